import Addresses
import Engine
import EngineWire
import JSON
import Monitor
import Networking
import OCI
import ProjectModel

/// `GET /containers/{id}/json`.
struct InspectedContainer {
    let snapshot: ContainerSnapshot
    /// Ids of the exec commands that still run in it.
    let execs: [String]
    let version: APIVersion
    /// Leaves out the values of environment variables.
    var hidesSecrets = false

    private var record: ContainerRecord { snapshot.record }
    private var template: ContainerTemplate { record.template }

    /// `sizes` in bytes: of its own layer, and together with its image.
    func json(sizes: (own: Int64, all: Int64)?) -> JSONValue {
        let words = record.arguments
        let folder = snapshot.paths.container(record.id)
        let run = snapshot.paths.containerRun(record.id)
        var value = JSONValue.members([
            "Id": record.id, "Created": Instant.text(record.createdAt), "Path": words.first ?? "",
            "Args": Array(words.dropFirst()), "State": state, "Image": record.imageID,
            "ResolvConfPath": "\(run)/resolv.conf", "HostnamePath": "\(run)/hostname", "HostsPath": "\(run)/hosts",
            "LogPath": template.logging?.driver == "none" ? "" : snapshot.paths.log(record.id),
            "Name": "/\(record.name)", "RestartCount": record.life.restarts?.count ?? 0, "Driver": "overlay2",
            "Platform": "linux", "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "",
            "ExecIDs": execs.isEmpty ? JSONValue.null : execs.json,
        ])
        let layers: [String: String] = [
            "UpperDir": "\(folder)/upper", "WorkDir": "\(folder)/work",
            "MergedDir": "\(snapshot.paths.bundle(record.id))/rootfs", "LowerDir": "",
        ]
        value = value.adding([
            "HostConfig": HostConfiguration(record: record).json,
            "GraphDriver": JSONValue.members(["Data": layers, "Name": "overlay2"]),
        ])
        if let sizes { value = value.adding(["SizeRw": sizes.own, "SizeRootFs": sizes.all]) }
        return value.adding([
            "Mounts": MountList(snapshot: snapshot).json, "Config": config,
            "NetworkSettings": NetworkSettings(snapshot: snapshot, version: version).json,
        ])
    }

    private var state: JSONValue {
        let life = record.life
        var value = JSONValue.members([
            "Status": snapshot.state, "Running": [.running, .paused, .restarting].contains(life.phase),
            "Paused": life.phase == .paused, "Restarting": life.phase == .restarting,
            "OOMKilled": life.exit?.isOutOfMemory ?? false, "Dead": false,
            "Pid": record.isUp ? life.process?.pid ?? 0 : 0, "ExitCode": snapshot.exitCode,
            "Error": snapshot.startFailure ?? "", "StartedAt": Instant.text(life.startedAt),
            "FinishedAt": Instant.text(life.finishedAt),
        ])
        if record.healthcheck != nil { value = value.adding(["Health": health]) }
        return value
    }

    private var health: JSONValue {
        let probes = (snapshot.health?.probes ?? []).map { probe in
            JSONValue.members([
                "Start": Instant.text(probe.began), "End": Instant.text(probe.ended), "ExitCode": probe.code,
                "Output": probe.output,
            ])
        }
        let status = snapshot.health?.status ?? ""
        return .members([
            "Status": status.isEmpty ? (record.isUp ? "starting" : "none") : status,
            "FailingStreak": snapshot.health?.failures ?? 0, "Log": probes,
        ])
    }

    /// The settings of the process; the image's settings fill what the client did not give.
    private var config: JSONValue {
        var environment = record.image.env ?? []
        for (name, value) in template.environment.sorted(by: { $0.key < $1.key }) {
            environment.removeAll { $0.hasPrefix("\(name)=") }
            environment.append("\(name)=\(value)")
        }
        for name in template.environmentRemoved ?? [] {
            environment.removeAll { $0.hasPrefix("\(name)=") }
            environment.append(name)
        }
        if hidesSecrets { environment = ReadOnly.hidden(environment) }
        let ports = Set(template.expose.map(Self.withTransport)).union(
            template.ports.map { "\($0.target)/\($0.transport)" }
        ).union((record.image.exposedPorts ?? [:]).keys.map(Self.withTransport))
        let entrypoint = template.entrypoint ?? record.image.entrypoint
        let command = template.command ?? (template.entrypoint == nil ? record.image.cmd : nil)
        let volumes = record.mounts.filter(Self.isAnonymous).map(\.target)
        var value = JSONValue.members([
            "Hostname": record.hostname, "Domainname": record.domainname ?? "",
            "User": template.user ?? record.image.user ?? "", "AttachStdin": template.stdinOnce ?? false,
            "AttachStdout": true, "AttachStderr": true, "Tty": template.tty, "OpenStdin": template.stdinOpen,
            "StdinOnce": template.stdinOnce ?? false, "Env": environment, "Cmd": command,
            "Image": ContainerText.image(record),
            "Volumes": volumes.isEmpty ? JSONValue.null : Self.set(volumes),
            "WorkingDir": template.workingDir ?? record.image.workingDir ?? "", "Entrypoint": entrypoint,
            "OnBuild": JSONValue.null, "Labels": record.labels,
        ])
        if !ports.isEmpty { value = value.adding(["ExposedPorts": Self.set(ports.sorted())]) }
        if let check = healthcheck { value = value.adding(["Healthcheck": check]) }
        return value.adding([
            "StopSignal": template.stopSignal ?? record.image.stopSignal,
            "StopTimeout": template.stopGracePeriod.map { $0.components.seconds },
            "Shell": record.image.shell,
        ])
    }

    private var healthcheck: JSONValue? {
        guard let check = record.healthcheck else {
            return template.healthcheck?.test == ["NONE"] ? .members(["Test": ["NONE"]]) : nil
        }
        let test = template.healthcheck?.test ?? record.image.healthcheck?.test ?? []
        func nanoseconds(_ duration: Duration) -> Int64 { Int64(duration / .nanoseconds(1)) }
        return .members([
            "Test": test, "Interval": nanoseconds(check.interval), "Timeout": nanoseconds(check.timeout),
            "StartPeriod": nanoseconds(check.startPeriod), "Retries": check.retries,
        ])
    }

    static func withTransport(_ port: String) -> String { port.contains("/") ? port : "\(port)/tcp" }

    private static func isAnonymous(_ mount: ContainerRecord.Mount) -> Bool {
        guard case .volume(_, true, _, _) = mount.source else { return false }
        return true
    }

    /// A set, in the form that Go writes.
    static func set(_ names: [String]) -> JSONValue {
        Dictionary(names.map { ($0, JSONValue.emptyObject) }) { first, _ in first }.json
    }
}

/// The mounts of a container in the answers of lists and inspections.
struct MountList {
    let snapshot: ContainerSnapshot

    var json: JSONValue { .array(snapshot.record.mounts.compactMap(mount)) }

    private func mount(_ mount: ContainerRecord.Mount) -> JSONValue? {
        let mode = mount.readOnly ? "ro" : "rw"
        switch mount.source {
        case .volume(let name, let isAnonymous, _, _):
            return .members([
                "Type": "volume", "Name": name,
                "Source": snapshot.mountpoints[name] ?? snapshot.paths.volume(name), "Destination": mount.target,
                "Driver": "local", "Mode": isAnonymous ? "" : mode, "RW": !mount.readOnly, "Propagation": "",
            ])
        case .bind(let path, _, let propagation, _, _):
            return .members([
                "Type": "bind", "Source": path, "Destination": mount.target, "Mode": mount.readOnly ? "ro" : "",
                "RW": !mount.readOnly, "Propagation": propagation ?? "rprivate",
            ])
        case .tmpfs:
            return .members([
                "Type": "tmpfs", "Source": "", "Destination": mount.target, "Mode": "", "RW": !mount.readOnly,
                "Propagation": "",
            ])
        case .image(let reference, _):
            return .members([
                "Type": "image", "Source": reference, "Destination": mount.target, "Mode": "ro", "RW": false,
                "Propagation": "",
            ])
        }
    }
}

/// Networks, addresses and ports of a container.
struct NetworkSettings {
    let snapshot: ContainerSnapshot
    let version: APIVersion

    private var record: ContainerRecord { snapshot.record }

    var json: JSONValue {
        let first = record.endpoints.first.map { endpoint($0) }
        func of(_ key: String) -> JSONValue { first?[key] ?? "" }
        var value = JSONValue.members([
            "Bridge": "", "SandboxID": isUp ? record.id : "",
            "SandboxKey": isUp ? snapshot.paths.namespace(record.id) : "", "Ports": ports,
        ])
        // The values of the first network, for clients from before there were several.
        value = value.adding([
            "HairpinMode": false, "LinkLocalIPv6Address": "", "LinkLocalIPv6PrefixLen": 0,
            "SecondaryIPAddresses": JSONValue.null, "SecondaryIPv6Addresses": JSONValue.null,
            "EndpointID": of("EndpointID"), "Gateway": of("Gateway"),
            "GlobalIPv6Address": of("GlobalIPv6Address"), "IPAddress": of("IPAddress"),
            "IPPrefixLen": first?["IPPrefixLen"] ?? 0, "GlobalIPv6PrefixLen": first?["GlobalIPv6PrefixLen"] ?? 0,
            "IPv6Gateway": of("IPv6Gateway"), "MacAddress": of("MacAddress"),
        ])
        return value.adding(["Networks": networks])
    }

    private var isUp: Bool { record.isUp }

    var networks: JSONValue {
        var object = JSONObject()
        for each in record.endpoints { object[each.network] = endpoint(each) }
        if record.endpoints.isEmpty, let mode = bareMode { object[mode] = Self.nothing(id: mode) }
        return .object(object)
    }

    private var bareMode: String? {
        switch record.template.networkMode {
        case NetworkMode.none?: "none"
        case .host?: "host"
        case .service?, .container?, nil: nil
        }
    }

    private static func nothing(id: String) -> JSONValue {
        .members([
            "IPAMConfig": JSONValue.null, "Links": JSONValue.null, "Aliases": JSONValue.null, "MacAddress": "",
            "DriverOpts": JSONValue.null, "GwPriority": 0, "NetworkID": NetworkText.id(ofMode: id), "EndpointID": "",
            "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0, "DNSNames": JSONValue.null,
        ])
    }

    private func endpoint(_ endpoint: ContainerRecord.Endpoint) -> JSONValue {
        let network = snapshot.networks[endpoint.network]
        let wanted = record.template.networks.first { $0.network == endpoint.key }
        let v4 = isUp ? endpoint.addresses.first { $0.family == .v4 } : nil
        let v6 = isUp ? endpoint.addresses.first { $0.family == .v6 } : nil
        func gateway(_ address: CIDR?) -> String {
            guard let address else { return "" }
            return network?.gateways.first { address.contains($0) }.map { "\($0)" } ?? ""
        }
        var addresses = JSONObject()
        addresses["IPv4Address"] = wanted?.ipv4Address?.json
        addresses["IPv6Address"] = wanted?.ipv6Address?.json
        if let locals = wanted?.linkLocalIPs, !locals.isEmpty { addresses["LinkLocalIPs"] = locals.json }
        let links = (wanted?.links ?? []).map { "\($0.target):\($0.alias)" }
        let aliases = wanted?.aliases ?? []
        let names = Set(endpoint.aliases + [record.name, String(record.id.prefix(12))]).sorted()
        return .members([
            "IPAMConfig": addresses.isEmpty ? JSONValue.null : JSONValue.object(addresses),
            "Links": links.isEmpty ? JSONValue.null : links.json,
            "Aliases": aliases.isEmpty ? JSONValue.null : aliases.json,
            "MacAddress": (isUp ? endpoint.hardwareAddress.map { "\($0)" } : nil) ?? wanted?.macAddress ?? "",
            "DriverOpts": wanted.map { $0.driverOptions.isEmpty ? JSONValue.null : $0.driverOptions.json } ?? .null,
            "GwPriority": wanted?.gatewayPriority ?? 0, "NetworkID": network?.id ?? "",
            "EndpointID": isUp ? NetworkText.endpointID(record.id, endpoint.network) : "", "Gateway": gateway(v4),
            "IPAddress": v4.map { "\($0.address)" } ?? "", "IPPrefixLen": v4?.prefixLength ?? 0,
            "IPv6Gateway": gateway(v6), "GlobalIPv6Address": v6.map { "\($0.address)" } ?? "",
            "GlobalIPv6PrefixLen": v6?.prefixLength ?? 0, "DNSNames": names,
        ])
    }

    /// By `PORT/PROTOCOL`; null for a port that is exposed but not published.
    private var ports: JSONValue {
        var bindings: [String: [JSONValue]] = [:]
        if isUp {
            for port in record.ports {
                for address in port.hostIP.map({ [$0] }) ?? ["0.0.0.0", "::"] {
                    bindings["\(port.target)/\(port.transport)", default: []].append(
                        .members(["HostIp": address, "HostPort": "\(port.hostPort)"]))
                }
            }
            let exposed = record.template.expose + (record.image.exposedPorts ?? [:]).keys
            for port in exposed.map(InspectedContainer.withTransport) where bindings[port] == nil {
                bindings[port] = []
            }
        }
        var object = JSONObject()
        for (port, list) in bindings.sorted(by: { $0.key < $1.key }) {
            object[port] = list.isEmpty ? .null : .array(list)
        }
        return .object(object)
    }
}
