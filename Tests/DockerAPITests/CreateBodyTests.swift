import DockerAPI
import JSON
import ProjectModel
import Testing

/// What `POST /containers/create` says, field by field.
@Suite struct CreateBodyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let body: String
        let holds: @Sendable (ContainerTemplate) -> Bool
        var testDescription: String { body }

        init(_ body: String, _ holds: @escaping @Sendable (ContainerTemplate) -> Bool) {
            self.body = body
            self.holds = holds
        }

        static func host(_ body: String, _ holds: @escaping @Sendable (ContainerTemplate) -> Bool) -> Row {
            Row("\"HostConfig\":{\(body)}", holds)
        }
    }

    private static func template(_ body: String) throws -> ContainerTemplate {
        try CreateBody(JSONValue(parsing: Array("{\"Image\":\"x\",\(body)}".utf8))).template
    }

    private static let process: [Row] = [
        Row(#""Cmd":["a","b"]"#) { $0.command == ["a", "b"] }, Row(#""Cmd":"a b""#) { $0.command == ["a b"] },
        Row(#""Cmd":null"#) { $0.command == nil }, Row(#""Cmd":[]"#) { $0.command == nil },
        Row(#""Entrypoint":["e"]"#) { $0.entrypoint == ["e"] }, Row(#""Entrypoint":[""]"#) { $0.entrypoint == [] },
        Row(#""Entrypoint":null"#) { $0.entrypoint == nil }, Row(#""Entrypoint":[]"#) { $0.entrypoint == nil },
        Row(#""Entrypoint":"e f""#) { $0.entrypoint == ["e f"] },
        Row(#""Env":["A=b","C=d=e","F="]"#) { $0.environment == ["A": "b", "C": "d=e", "F": ""] },
        Row(#""Env":["PATH"]"#) { $0.environment.isEmpty && $0.environmentRemoved == ["PATH"] },
        Row(#""Env":["A","A=b"]"#) { $0.environment == ["A": "b"] && $0.environmentRemoved == [] },
        Row(#""cmd":["a"],"CMD":["b"],"hostconfig":{"autoremove":true}"#) {
            $0.command == ["b"] && $0.autoRemove == true
        },
        Row(#""Env":null"#) { $0.environment.isEmpty },
        Row(#""WorkingDir":"/w""#) { $0.workingDir == "/w" }, Row(#""WorkingDir":"""#) { $0.workingDir == nil },
        Row(#""User":"1:2""#) { $0.user == "1:2" }, Row(#""User":"""#) { $0.user == nil },
        Row(#""Tty":true"#) { $0.tty },
        Row(#""OpenStdin":true,"StdinOnce":true"#) { $0.stdinOpen && $0.stdinOnce == true },
        Row(#""OpenStdin":true,"StdinOnce":false"#) { $0.stdinOpen && $0.stdinOnce == nil },
        Row(#""Hostname":"h","Domainname":"d""#) { $0.hostname == "h" && $0.domainname == "d" },
        Row(#""Labels":{"a":"b","c":""}"#) { $0.labels == ["a": "b", "c": ""] },
        Row(#""Labels":null"#) { $0.labels.isEmpty },
        Row(#""StopSignal":"SIGINT""#) { $0.stopSignal == "SIGINT" },
        Row(#""StopTimeout":3"#) { $0.stopGracePeriod == .seconds(3) },
        Row(#""StopTimeout":0"#) { $0.stopGracePeriod == .zero },
        Row(#""StopTimeout":-1"#) { $0.stopGracePeriod ?? .zero > .seconds(100_000_000) },
        Row(
            #""Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Timeout":2000000000,"StartPeriod":3000000000,"StartInterval":4000000000,"Retries":5}"#
        ) {
            $0.healthcheck?.test == ["CMD", "x"] && $0.healthcheck?.interval == .seconds(1)
                && $0.healthcheck?.timeout == .seconds(2) && $0.healthcheck?.startPeriod == .seconds(3)
                && $0.healthcheck?.startInterval == .seconds(4) && $0.healthcheck?.retries == 5
        },
        Row(#""Healthcheck":{"Interval":0}"#) { $0.healthcheck?.test == nil && $0.healthcheck?.interval == nil },
        Row(#""Healthcheck":null"#) { $0.healthcheck == nil },
        Row(#""Unknown":{"x":[1]}"#) { $0 == ContainerTemplate(image: "x").attached },
        Row(#""ExposedPorts":{"80/tcp":{},"53/udp":{},"9":{}}"#) { $0.expose == ["80/tcp", "53/udp", "9/tcp"] },
        Row(#""ExposedPorts":{"8000-8002/tcp":{}}"#) { $0.expose == ["8000/tcp", "8001/tcp", "8002/tcp"] },
        Row(#""Volumes":{"/data":{}}"#) {
            $0.volumes == [ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/data")]
        },
    ]

    private static let life: [Row] = [
        .host(#""AutoRemove":true"#) { $0.autoRemove == true }, .host(#""AutoRemove":false"#) { $0.autoRemove == nil },
        .host(#""RestartPolicy":{"Name":""}"#) { $0.restart == .no },
        .host(#""RestartPolicy":{"Name":"no"}"#) { $0.restart == .no },
        .host(#""RestartPolicy":{"Name":"always"}"#) { $0.restart == .always },
        .host(#""RestartPolicy":{"Name":"unless-stopped","MaximumRetryCount":0}"#) { $0.restart == .unlessStopped },
        .host(#""RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}"#) {
            $0.restart == .onFailure(maximumRetries: 3)
        },
        .host(#""RestartPolicy":{"Name":"on-failure"}"#) { $0.restart == .onFailure(maximumRetries: nil) },
        .host(#""LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}"#) {
            $0.logging == Logging(driver: "json-file", options: ["max-size": "1m"])
        },
        .host(#""LogConfig":{"Type":"","Config":{}}"#) { $0.logging == nil },
        .host(#""LogConfig":{}"#) { $0.logging == nil },
        .host(#""Init":true"#) { $0.useInit }, .host(#""Init":null"#) { !$0.useInit },
        .host(#""ConsoleSize":[24,80]"#) { $0.consoleSize == .init(rows: 24, columns: 80) },
        .host(#""ConsoleSize":[0,0]"#) { $0.consoleSize == nil },
        .host(#""Annotations":{"a":"b"}"#) { $0.annotations == ["a": "b"] },
        .host(#""GroupAdd":["7","staff"]"#) { $0.groupAdd == ["7", "staff"] },
    ]

    private static let confinement: [Row] = [
        .host(#""Privileged":true"#) { $0.privileged },
        .host(#""CapAdd":["NET_ADMIN"],"CapDrop":["ALL"]"#) { $0.capAdd == ["NET_ADMIN"] && $0.capDrop == ["ALL"] },
        .host(#""SecurityOpt":["no-new-privileges"]"#) { $0.securityOptions == ["no-new-privileges"] },
        .host(#""Sysctls":{"net.core.somaxconn":"9"}"#) { $0.sysctls == ["net.core.somaxconn": "9"] },
        .host(#""ReadonlyRootfs":true"#) { $0.readOnly }, .host(#""MaskedPaths":[]"#) { $0.maskedPaths == [] },
        .host(#""MaskedPaths":null"#) { $0.maskedPaths == nil },
        .host(#""ReadonlyPaths":["/proc/x"]"#) { $0.readonlyPaths == ["/proc/x"] },
        .host(#""Ulimits":[{"Name":"nofile","Soft":5,"Hard":6}]"#) {
            $0.ulimits == ["nofile": Ulimit(soft: 5, hard: 6)]
        },
        .host(#""PidMode":"host""#) { $0.pid == "host" },
        .host(#""PidMode":"container:x""#) { $0.pid == "container:x" },
        .host(#""PidMode":"""#) { $0.pid == nil }, .host(#""IpcMode":"private""#) { $0.ipc == nil },
        .host(#""IpcMode":"shareable""#) { $0.ipc == "shareable" }, .host(#""IpcMode":"host""#) { $0.ipc == "host" },
        .host(#""UTSMode":"host""#) { $0.uts == "host" }, .host(#""CgroupnsMode":"host""#) { $0.cgroup == "host" },
        .host(#""CgroupParent":"/x""#) { $0.cgroupParent == "/x" },
        .host(#""UsernsMode":"host""#) { $0.usernsMode == "host" },
        .host(#""Runtime":"runc","Isolation":"default""#) { $0.runtime == "runc" && $0.isolation == "default" },
        .host(#""Runtime":"""#) { $0.runtime == nil },
        .host(#""Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"r"}]"#) {
            $0.devices == [DeviceMapping(source: "/dev/null", target: "/dev/x", permissions: "r")]
        },
        .host(#""Devices":[{"PathOnHost":"/dev/null"}]"#) {
            $0.devices == [DeviceMapping(source: "/dev/null", target: "/dev/null")]
        },
        .host(#""DeviceCgroupRules":["c 1:3 r"]"#) { $0.deviceCgroupRules == ["c 1:3 r"] },
        .host(#""DeviceRequests":[]"#) { $0.devices.isEmpty }, .host(#""DeviceRequests":null"#) { $0.devices.isEmpty },
    ]

    private static let limits: [Row] = [
        .host(#""Memory":67108864"#) { $0.resources.memory == 64 << 20 },
        .host(#""Memory":0"#) { $0.resources.memory == nil },
        .host(#""NanoCpus":500000000"#) { $0.resources.cpus == 0.5 },
        .host(#""CpuShares":512"#) { $0.resources.cpuShares == 512 },
        .host(#""CpuQuota":5000,"CpuPeriod":10000"#) {
            $0.resources.cpuQuota == 5000 && $0.resources.cpuPeriod == 10000
        },
        .host(#""CpusetCpus":"0-1""#) { $0.resources.cpuset == "0-1" },
        .host(#""CpusetMems":"""#) { $0.resources.cpuset == nil },
        .host(#""Memory":67108864,"MemorySwap":-1"#) { $0.resources.memorySwap == -1 },
        .host(#""Memory":67108864,"MemorySwap":134217728"#) { $0.resources.memorySwap == 128 << 20 },
        .host(#""MemoryReservation":7340032"#) { $0.resources.memoryReservation == 7 << 20 },
        .host(#""MemorySwappiness":0"#) { $0.resources.memorySwappiness == 0 },
        .host(#""MemorySwappiness":-1"#) { $0.resources.memorySwappiness == nil },
        .host(#""PidsLimit":9"#) { $0.resources.pids == 9 }, .host(#""PidsLimit":0"#) { $0.resources.pids == nil },
        .host(#""PidsLimit":-1"#) { $0.resources.pids == nil },
        .host(#""OomScoreAdj":-5"#) { $0.resources.oomScoreAdjust == -5 },
        .host(#""OomKillDisable":true"#) { $0.resources.oomKillDisable == true },
        .host(#""OomKillDisable":false"#) { $0.resources.oomKillDisable == nil },
        .host(#""BlkioWeight":100"#) { $0.resources.blkioWeight == 100 },
        .host(#""BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":9}]"#) {
            $0.resources.blkioDevices?.readBytes == [.init(path: "/dev/sda", value: 9)]
        },
        .host(#""ShmSize":1048576"#) { $0.shmSize == 1 << 20 },
        .host(#""StorageOpt":{}"#) { $0.storageOptions.isEmpty },
        .host(#""StorageOpt":null"#) { $0.storageOptions.isEmpty },
    ]

    private static func volume(_ kind: ServiceVolume.Kind, _ target: String, readOnly: Bool = false) -> [ServiceVolume]
    {
        [ServiceVolume(kind: kind, target: target, readOnly: readOnly)]
    }

    private static func bind(_ source: String, propagation: String? = nil, label: String? = nil) -> ServiceVolume.Kind {
        .bind(source: source, createHostPath: true, propagation: propagation, recursive: nil, selinux: label)
    }

    private static let storage: [Row] = [
        .host(#""Binds":["/a:/b"]"#) { $0.volumes == volume(bind("/a"), "/b") },
        .host(#""Binds":["/a:/b/:ro"]"#) { $0.volumes == volume(bind("/a"), "/b", readOnly: true) },
        .host(#""Binds":["/a:/b:rw,rslave,z"]"#) {
            $0.volumes == volume(bind("/a", propagation: "rslave", label: "z"), "/b")
        },
        .host(#""Binds":["/a:/b:cached"]"#) { $0.volumes == volume(bind("/a"), "/b") },
        .host(#""Binds":["data:/b:nocopy"]"#) {
            $0.volumes == volume(.volume(source: "data", noCopy: true, subpath: nil), "/b")
        },
        .host(#""Binds":["/b"]"#) { $0.volumes == volume(.volume(source: nil, noCopy: false, subpath: nil), "/b") },
        .host(#""Tmpfs":{"/t":"size=64m,mode=1777,noexec"}"#) {
            $0.volumes == volume(.tmpfs(size: nil, mode: nil, options: "size=64m,mode=1777,noexec"), "/t")
        },
        .host(#""Tmpfs":{"/t":""}"#) { $0.volumes == volume(.tmpfs(size: nil, mode: nil, options: ""), "/t") },
        .host(#""Tmpfs":{"/t":"rw,ro"}"#) {
            $0.volumes == volume(.tmpfs(size: nil, mode: nil, options: "rw,ro"), "/t", readOnly: true)
        },
        .host(
            #""Mounts":[{"Type":"volume","Source":"dd","Target":"/d","VolumeOptions":{"NoCopy":true,"Subpath":"s"}}]"#
        ) {
            $0.volumes == volume(.volume(source: "dd", noCopy: true, subpath: "s"), "/d")
        },
        .host(#""Mounts":[{"Type":"volume","Target":"/d"}]"#) {
            $0.volumes == volume(.volume(source: nil, noCopy: false, subpath: nil), "/d")
        },
        .host(
            #""Mounts":[{"Type":"bind","Source":"/etc","Target":"/d","ReadOnly":true,"BindOptions":{"NonRecursive":true}}]"#
        ) {
            $0.volumes
                == volume(
                    .bind(source: "/etc", createHostPath: false, propagation: nil, recursive: "disabled", selinux: nil),
                    "/d", readOnly: true)
        },
        .host(#""Mounts":[{"Type":"bind","Source":"/nosuch","Target":"/d","BindOptions":{"CreateMountpoint":true}}]"#) {
            $0.volumes == volume(bind("/nosuch"), "/d")
        },
        .host(#""Mounts":[{"Type":"tmpfs","Target":"/d","TmpfsOptions":{"SizeBytes":9,"Mode":511}}]"#) {
            $0.volumes == volume(.tmpfs(size: 9, mode: 511, options: nil), "/d")
        },
        .host(
            #""Mounts":[{"Type":"tmpfs","Target":"/d","TmpfsOptions":{"Options":[["noexec"],["uid","7"]]}}]"#
        ) {
            $0.volumes == volume(.tmpfs(size: nil, mode: nil, options: "noexec,uid=7"), "/d")
        },
        .host(
            #""Mounts":[{"Type":"volume","Source":"dd","Target":"/d","VolumeOptions":{"DriverConfig":{"Name":"local"}}}]"#
        ) {
            $0.volumes == volume(.volume(source: "dd", noCopy: false, subpath: nil), "/d")
        },
        .host(#""VolumesFrom":["x:ro"]"#) { $0.volumesFrom == ["container:x:ro"] },
        .host(#""VolumeDriver":"local""#) { $0.volumeDriver == "local" },
    ]

    private static func port(
        _ target: UInt16, _ published: String?, _ address: String? = nil, _ transport: String = "tcp"
    ) -> PortMapping {
        PortMapping(target: target, published: published, hostIP: address, transport: transport)
    }

    private static let networks: [Row] = [
        .host(#""NetworkMode":"default""#) { $0.networks.map(\.network) == ["bridge"] },
        .host(#""NetworkMode":"bridge""#) { $0.networks.map(\.network) == ["bridge"] },
        .host(#""NetworkMode":"host""#) { $0.networkMode == .host && $0.networks.isEmpty },
        .host(#""NetworkMode":"none""#) { $0.networkMode == NetworkMode.none && $0.networks.isEmpty },
        .host(#""NetworkMode":"container:x""#) { $0.networkMode == .container("x") },
        .host(#""NetworkMode":"front""#) { $0.networks.map(\.network) == ["front"] },
        Row(
            #""HostConfig":{"NetworkMode":"a"},"NetworkingConfig":{"EndpointsConfig":{"b":{},"a":{"Aliases":["x"],"IPAMConfig":{"IPv4Address":"10.0.0.9"},"MacAddress":"02:00:00:00:00:01","GwPriority":3}}}"#
        ) {
            $0.networks.map(\.network) == ["a", "b"] && $0.networks[0].aliases == ["x"]
                && $0.networks[0].ipv4Address == "10.0.0.9" && $0.networks[0].macAddress == "02:00:00:00:00:01"
                && $0.networks[0].gatewayPriority == 3
        },
        Row(
            #""HostConfig":{"NetworkMode":"a","Links":["db:one"]},"NetworkingConfig":{"EndpointsConfig":{"a":{"Links":["db:one","web:two"]}}}"#
        ) {
            $0.externalLinks == [Link(target: "db", alias: "one")]
                && $0.networks[0].links == [Link(target: "db", alias: "one"), Link(target: "web", alias: "two")]
        },
        Row(#""NetworkingConfig":{"EndpointsConfig":{"b":null}}"#) { $0.networks.map(\.network) == ["bridge", "b"] },
        Row(#""MacAddress":"02:00:00:00:00:02""#) { $0.networks.first?.macAddress == "02:00:00:00:00:02" },
        Row(#""NetworkDisabled":true"#) { $0.networkMode == NetworkMode.none },
        .host(#""PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}"#) { $0.ports == [port(80, "8080")] },
        .host(#""PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}"#) {
            $0.ports == [port(80, "8080", "127.0.0.1")]
        },
        .host(#""PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]}"#)
        {
            $0.ports == [port(80, "8080")]
        },
        .host(#""PortBindings":{"80/udp":[{"HostPort":""}]}"#) { $0.ports == [port(80, nil, nil, "udp")] },
        .host(#""PortBindings":{"80/tcp":[{"HostPort":"0"}]}"#) { $0.ports == [port(80, nil)] },
        .host(#""PortBindings":{"80/tcp":null}"#) { $0.ports == [port(80, nil)] },
        .host(#""PortBindings":{"80":[{"HostPort":"8000-8010"}]}"#) { $0.ports == [port(80, "8000-8010")] },
        .host(#""PublishAllPorts":true"#) { $0.publishAllPorts == true },
        .host(#""Dns":["1.1.1.1"],"DnsSearch":["a"],"DnsOptions":["b"]"#) {
            $0.dns == ["1.1.1.1"] && $0.dnsSearch == ["a"] && $0.dnsOptions == ["b"]
        },
        .host(#""ExtraHosts":["a:10.0.0.1","b=::1","c:host-gateway"]"#) {
            $0.extraHosts
                == [
                    ExtraHost(host: "a", addresses: ["10.0.0.1"]), ExtraHost(host: "b", addresses: ["::1"]),
                    ExtraHost(host: "c", addresses: ["host-gateway"]),
                ]
        },
        .host(#""Links":["db:database","/web:/x/www","cache"]"#) {
            $0.externalLinks
                == [
                    Link(target: "db", alias: "database"), Link(target: "web", alias: "www"),
                    Link(target: "cache", alias: "cache"),
                ]
        },
    ]

    @Test("a field becomes what it means", arguments: process + life + confinement + limits + storage + networks)
    func fields(row: Row) throws {
        let template = try Self.template(row.body)
        #expect(row.holds(template), "\(template)")
    }

    /// A body and a part of what is said of it.
    private static let refusals: [(String, String)] = [
        (#""Cmd":7"#, "cannot unmarshal number into Go struct field Cmd of type []string"),
        (#""Tty":"yes""#, "cannot unmarshal string into Go struct field Tty of type bool"),
        (#""HostConfig":{"Memory":"1g"}"#, "HostConfig.Memory of type int64"),
        (#""HostConfig":{"Memory":1024}"#, "Minimum memory limit allowed is 6MB"),
        (#""HostConfig":{"MemorySwap":8388608}"#, "You should always set the Memory limit"),
        (#""HostConfig":{"Memory":16777216,"MemorySwap":8388608}"#, "memoryswap limit should be larger"),
        (#""HostConfig":{"Memory":16777216,"MemoryReservation":33554432}"#, "memory reservation"),
        (#""HostConfig":{"MemorySwappiness":101}"#, "0-100"), (#""HostConfig":{"OomScoreAdj":1001}"#, "[-1000, 1000]"),
        (#""HostConfig":{"BlkioWeight":5}"#, "10 to 1000"),
        (#""HostConfig":{"NanoCpus":1,"CpuQuota":5}"#, "Conflicting options"),
        (#""HostConfig":{"CpusetMems":"0"}"#, "CpusetMems"),
        (#""HostConfig":{"RestartPolicy":{"Name":"sometimes"}}"#, "unknown policy 'sometimes'"),
        (
            #""HostConfig":{"RestartPolicy":{"Name":"always","MaximumRetryCount":2}}"#,
            "can only be used with 'on-failure'"
        ),
        (#""HostConfig":{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":-1}}"#, "cannot be negative"),
        (#""HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"always"}}"#, "can't create 'AutoRemove'"),
        (#""HostConfig":{"Runtime":"kata"}"#, "unknown or invalid runtime name: kata"),
        (#""HostConfig":{"PidMode":"x"}"#, "invalid PID mode: x"),
        (#""HostConfig":{"IpcMode":"x"}"#, "invalid IPC mode: x"),
        (#""HostConfig":{"UTSMode":"x"}"#, "invalid UTS mode: x"),
        (#""Hostname":"h","HostConfig":{"UTSMode":"host"}"#, "conflicting options: hostname and the UTS mode"),
        (#""HostConfig":{"StorageOpt":{"size":"1G"}}"#, "--storage-opt is supported only for overlay over xfs"),
        (#""HostConfig":{"Isolation":"hyperv"}"#, "linux only supports 'default'"),
        (#""HostConfig":{"LogConfig":{"Type":"bogus"}}"#, "logger: no log driver named 'bogus' is registered"),
        (
            #""HostConfig":{"Mounts":[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"nfs"}}}]}"#,
            "VolumeOptions.DriverConfig"
        ),
        (#""HostConfig":{"NetworkMode":"host","Links":["a:b"]}"#, "conflicting options: host type networking"),
        (#""MacAddress":"02:00:00:00:00:01","HostConfig":{"NetworkMode":"host"}"#, "mac-address and the network mode"),
        (#""HostConfig":{"NetworkMode":"container:x","Links":["a:b"]}"#, "container type network can't be used"),
        (#""HostConfig":{"NetworkMode":"container:x","Dns":["1.1.1.1"]}"#, "dns and the network mode"),
        (#""HostConfig":{"NetworkMode":"container:x","ExtraHosts":["a:1.1.1.1"]}"#, "custom host-to-IP mapping"),
        (#""HostConfig":{"NetworkMode":"container:x","PublishAllPorts":true}"#, "port publishing and the container"),
        (
            #""ExposedPorts":{"80/tcp":{}},"HostConfig":{"NetworkMode":"container:x"}"#,
            "port exposing and the container"
        ),
        (
            #""HostConfig":{"DeviceRequests":[{"Driver":"","Capabilities":[["gpu"]]}]}"#,
            #"could not select device driver "" with capabilities: [[gpu]]"#
        ),
        (#""WorkingDir":"w""#, "needs to be an absolute path"), (#""Env":["=x"]"#, "invalid environment variable: =x"),
        (#""Healthcheck":{"Interval":5}"#, "cannot be less than 1ms"),
        (#""HostConfig":{"Binds":["aa:b"]}"#, "mount path must be absolute"),
        (#""HostConfig":{"Binds":["/a:/b:zz"]}"#, "invalid mode: zz"),
        (#""HostConfig":{"Binds":["/a:/"]}"#, "destination can't be '/'"),
        (#""HostConfig":{"Binds":["a b:/x"]}"#, "includes invalid characters for a local volume name"),
        (#""HostConfig":{"Binds":["/a:/x","bb:/x/"]}"#, "Duplicate mount point: /x"),
        (
            #""HostConfig":{"Mounts":[{"Type":"bind","Source":"/nosuch/x","Target":"/x"}]}"#,
            #"invalid mount config for type "bind": bind source path does not exist: /nosuch/x"#
        ),
        (#""HostConfig":{"Mounts":[{"Type":"bind","Target":"/x"}]}"#, "field Source must not be empty"),
        (#""HostConfig":{"Mounts":[{"Type":"volume","Source":"d"}]}"#, "field Target must not be empty"),
        (#""HostConfig":{"Mounts":[{"Type":"what","Target":"/x"}]}"#, "mount type unknown"),
        (#""HostConfig":{"PortBindings":{"x/tcp":[]}}"#, "invalid port specification"),
        (#""HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"99999"}]}}"#, "invalid port specification"),
        (#""HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"nowhere"}]}}"#, "invalid IP address: nowhere"),
        (#""ExposedPorts":{"0/tcp":{}}"#, "invalid port specification"),
        (#""HostConfig":{"ExtraHosts":["a"]}"#, "bad format for add-host"),
        (#""HostConfig":{"ExtraHosts":["a:b"]}"#, "invalid IP address in add-host"),
        (#""Hostname":"h","HostConfig":{"NetworkMode":"container:x"}"#, "conflicting options"),
        (
            #""NetworkingConfig":{"EndpointsConfig":{"a":{"IPAMConfig":{"IPv4Address":"x"}}}}"#,
            "invalid IPv4 address: x"
        ),
    ]

    @Test("what cannot be is an error that names it", arguments: refusals)
    func refused(body: String, part: String) throws {
        let error = #expect(throws: DockerFailure.self) { try Self.template(body) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test("nothing at all is no container")
    func nothing() {
        let error = #expect(throws: DockerFailure.self) { try CreateBody(.object(JSONObject())) }
        #expect(error?.message == "config cannot be empty in order to create a container")
    }
}

extension ContainerTemplate {
    /// On the network where containers are that name none.
    fileprivate var attached: ContainerTemplate {
        var template = self
        template.networks = [NetworkAttachment(network: "bridge")]
        return template
    }
}
