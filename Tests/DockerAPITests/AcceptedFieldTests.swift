import DockerAPI
import Foundation
import JSON
import ProjectModel
import Testing

/// Every field of a container that Docker's description of its API has is acted on, refused by name, or named in docs/docker-api.md
/// as without effect.
@Suite struct AcceptedFieldTests {
    /// A value for each field that says something.
    private static let values: [String: [String: String]] = [
        "ContainerConfig": [
            "ArgsEscaped": "true", "AttachStderr": "true", "AttachStdin": "true", "AttachStdout": "true",
            "Cmd": #"["x"]"#, "Domainname": #""d""#, "Entrypoint": #"["x"]"#, "Env": #"["A=b"]"#,
            "ExposedPorts": #"{"80/tcp":{}}"#, "Healthcheck": #"{"Test":["CMD","x"]}"#, "Hostname": #""h""#,
            "Image": #""other""#, "Labels": #"{"a":"b"}"#, "MacAddress": #""02:00:00:00:00:01""#,
            "NetworkDisabled": "true", "OnBuild": #"["RUN x"]"#, "OpenStdin": "true", "Shell": #"["/bin/x"]"#,
            "StdinOnce": "true", "StopSignal": #""SIGINT""#, "StopTimeout": "3", "Tty": "true", "User": #""1""#,
            "Volumes": #"{"/v":{}}"#, "WorkingDir": #""/w""#,
        ],
        "HealthConfig": [
            "Test": #"["CMD","x"]"#, "Interval": "5000000", "Timeout": "5000000", "Retries": "3",
            "StartPeriod": "5000000", "StartInterval": "5000000",
        ],
        "HostConfig": [
            "Annotations": #"{"a":"b"}"#, "AutoRemove": "true", "Binds": #"["/etc:/x"]"#,
            "CapAdd": #"["NET_ADMIN"]"#, "CapDrop": #"["ALL"]"#, "Cgroup": #""x""#, "CgroupnsMode": #""host""#,
            "ConsoleSize": "[24,80]", "ContainerIDFile": #""x""#, "Dns": #"["1.1.1.1"]"#,
            "DnsOptions": #"["x"]"#, "DnsSearch": #"["x"]"#, "ExtraHosts": #"["a:1.2.3.4"]"#, "GroupAdd": #"["7"]"#,
            "IpcMode": #""host""#, "Isolation": #""hyperv""#, "Links": #"["a:b"]"#,
            "LogConfig": #"{"Type":"local"}"#, "MaskedPaths": "[]",
            "Mounts": #"[{"Type":"volume","Target":"/x"}]"#, "NetworkMode": #""none""#, "OomScoreAdj": "5",
            "PidMode": #""host""#, "PortBindings": #"{"80/tcp":[{"HostPort":"8080"}]}"#, "Privileged": "true",
            "PublishAllPorts": "true", "ReadonlyPaths": "[]", "ReadonlyRootfs": "true",
            "RestartPolicy": #"{"Name":"always"}"#, "Runtime": #""x""#, "SecurityOpt": #"["no-new-privileges"]"#,
            "ShmSize": "1048576", "StorageOpt": #"{"size":"1G"}"#, "Sysctls": #"{"net.core.somaxconn":"9"}"#,
            "Tmpfs": #"{"/x":""}"#, "UTSMode": #""host""#, "UsernsMode": #""host""#, "VolumeDriver": #""x""#,
            "VolumesFrom": #"["x"]"#,
        ],
        "Resources": [
            "BlkioDeviceReadBps": #"[{"Path":"/dev/x","Rate":1}]"#,
            "BlkioDeviceReadIOps": #"[{"Path":"/dev/x","Rate":1}]"#,
            "BlkioDeviceWriteBps": #"[{"Path":"/dev/x","Rate":1}]"#,
            "BlkioDeviceWriteIOps": #"[{"Path":"/dev/x","Rate":1}]"#, "BlkioWeight": "100",
            "BlkioWeightDevice": #"[{"Path":"/dev/x","Weight":100}]"#, "CgroupParent": #""/x""#, "CpuCount": "1",
            "CpuPercent": "1", "CpuPeriod": "50000", "CpuQuota": "50000", "CpuRealtimePeriod": "5",
            "CpuRealtimeRuntime": "5", "CpuShares": "512", "CpusetCpus": #""0""#, "CpusetMems": #""0""#,
            "DeviceCgroupRules": #"["c 1:3 r"]"#, "DeviceRequests": #"[{"Capabilities":[["gpu"]]}]"#,
            "Devices": #"[{"PathOnHost":"/dev/null"}]"#, "IOMaximumBandwidth": "1", "IOMaximumIOps": "1",
            "Init": "true", "KernelMemoryTCP": "8388608", "Memory": "8388608", "MemoryReservation": "7340032",
            "MemorySwap": "-1", "MemorySwappiness": "5", "NanoCpus": "5", "OomKillDisable": "true",
            "PidsLimit": "5", "Ulimits": #"[{"Name":"core","Soft":1,"Hard":1}]"#,
        ],
        "EndpointSettings": [
            "Aliases": #"["a"]"#, "DNSNames": #"["a"]"#, "DriverOpts": #"{"a":"b"}"#, "EndpointID": #""x""#,
            "Gateway": #""10.0.0.1""#, "GlobalIPv6Address": #""fd00::2""#, "GlobalIPv6PrefixLen": "64",
            "GwPriority": "2", "IPAMConfig": #"{"IPv4Address":"10.0.0.2"}"#, "IPAddress": #""10.0.0.2""#,
            "IPPrefixLen": "24", "IPv6Gateway": #""fd00::1""#, "Links": #"["a:b"]"#,
            "MacAddress": #""02:00:00:00:00:01""#, "NetworkID": #""x""#,
        ],
        "EndpointIPAMConfig": [
            "IPv4Address": #""10.0.0.2""#, "IPv6Address": #""fd00::2""#, "LinkLocalIPs": #"["169.254.1.1"]"#,
        ],
        "Mount": [
            "BindOptions": #"{"NonRecursive":true}"#, "Consistency": #""cached""#, "ImageOptions": #"{"Subpath":"x"}"#,
            "ReadOnly": "true", "Source": #""/usr""#, "Target": #""/y""#, "TmpfsOptions": #"{"SizeBytes":9}"#,
            "Type": #""volume""#, "VolumeOptions": #"{"NoCopy":true}"#,
        ],
        "Mount.BindOptions": [
            "CreateMountpoint": "true", "NonRecursive": "true", "Propagation": #""rslave""#,
            "ReadOnlyForceRecursive": "true", "ReadOnlyNonRecursive": "true",
        ],
        "Mount.VolumeOptions": [
            "DriverConfig": #"{"Name":"x"}"#, "Labels": #"{"a":"b"}"#, "NoCopy": "true", "Subpath": #""x""#,
        ],
        "Mount.TmpfsOptions": ["Mode": "448", "Options": #"[["noexec"],["uid","7"]]"#, "SizeBytes": "9"],
        "Mount.ImageOptions": ["Subpath": #""x""#],
    ]

    /// What stands around a field, `%` in its place.
    private static let surroundings: [String: String] = [
        "ContainerConfig": #"{"Image":"x",%}"#, "HealthConfig": #"{"Image":"x","Healthcheck":{%}}"#,
        "HostConfig": #"{"Image":"x","HostConfig":{%}}"#, "Resources": #"{"Image":"x","HostConfig":{%}}"#,
        "EndpointSettings": #"{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"n":{%}}}}"#,
        "EndpointIPAMConfig": #"{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"n":{"IPAMConfig":{%}}}}}"#,
        "Mount": #"{"Image":"x","HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/x",%}]}}"#,
        "Mount.BindOptions":
            #"{"Image":"x","HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/x","BindOptions":{%}}]}}"#,
        "Mount.VolumeOptions":
            #"{"Image":"x","HostConfig":{"Mounts":[{"Type":"volume","Source":"vv","Target":"/x","VolumeOptions":{%}}]}}"#,
        "Mount.TmpfsOptions":
            #"{"Image":"x","HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{%}}]}}"#,
        "Mount.ImageOptions":
            #"{"Image":"x","HostConfig":{"Mounts":[{"Type":"image","Source":"i","Target":"/x","ImageOptions":{%}}]}}"#,
    ]

    /// Fields of one kind mount that stand in another kind's description.
    private static let elsewhere: Set<String> = ["Mount.ImageOptions", "Mount.TmpfsOptions", "Mount.VolumeOptions"]

    private enum Outcome: Hashable { case acted, refused, nothing }

    private static func outcome(of field: String, _ value: String, in place: String) throws -> Outcome {
        let around = try #require(surroundings[place])
        func template(_ around: String, _ text: String) throws -> ContainerTemplate {
            try CreateBody(JSONValue(parsing: Array(around.replacing("%", with: text).utf8))).template
        }
        let without = try template(around, #""Nothing":0"#)
        do {
            // In the place of the one that stands there.
            let rest = around.replacing(try Regex("\"\(field)\":\"[^\"]*\",").ignoresCase(false), with: "")
            return try template(rest, "\"\(field)\":\(value)") == without ? .nothing : .acted
        } catch is DockerFailure {
            return .refused
        }
    }

    @Test("a field does something, is refused, or stands in the documents among those without effect")
    func everyField() throws {
        let schemas = try AnswerSchemas.read()
        let documented = try Self.documented()
        var without: Set<String> = []
        for (place, values) in Self.values.sorted(by: { $0.key < $1.key }) {
            #expect(Set(schemas.members(of: place)) == Set(values.keys), "\(place)")
            for (field, value) in values.sorted(by: { $0.key < $1.key }) {
                guard !Self.elsewhere.contains("\(place).\(field)") else { continue }
                let outcome = try Self.outcome(of: field, value, in: place)
                let part = place.hasPrefix("Mount.") ? "\(place.dropFirst("Mount.".count)).\(field)" : field
                if outcome == .nothing { without.insert(part) }
            }
        }
        #expect(without.subtracting(documented).sorted() == [], "these do nothing, and no document says so")
        #expect(
            documented.subtracting(without).sorted() == [], "these do something, and a document says that they do not")
    }

    /// The names in the line of docs/docker-api.md.
    private static func documented() throws -> Set<String> {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/docker-api.md")
        let text = String(decoding: try Data(contentsOf: page.standardizedFileURL), as: UTF8.self)
        let line = try #require(
            text.split(separator: "\n").first { $0.hasPrefix("- These fields of a container have no effect:") })
        return Set(line.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) })
    }
}
