import Engine
import EngineWire
import HTTPService
import JSON
import Logging
import NIOHTTP1
import Networking
import ProjectModel

/// The routes that describe the engine and its machine.
extension Handlers {
    var systemRoutes: [Route] {
        [
            Route(.GET, "/_ping") { _ in .whole(.ok, Self.pingHeaders, Array("OK".utf8)) },
            Route(.HEAD, "/_ping") { _ in .whole(.ok, Self.pingHeaders, []) },
            Route(.GET, "/version") { _ in .json(Self.version(try await self.engine.systemFacts())) },
            Route(.GET, "/info") { request in
                .json(Self.info(try await self.engine.systemFacts(), request.version))
            },
            Route(.POST, "/auth") { try await self.authenticate($0) },
        ]
    }

    /// `Builder-Version: 1` tells clients that this engine has no BuildKit, only the classic builder.
    private static let pingHeaders: HTTPHeaders = [
        "builder-version": "1", "cache-control": "no-cache, no-store, must-revalidate",
        "content-type": "text/plain; charset=utf-8", "pragma": "no-cache", "swarm": "inactive",
    ]

    /// Go's name for the processor.
    static func goArchitecture(_ machine: String) -> String {
        switch machine {
        case "x86_64": "amd64"
        case "aarch64": "arm64"
        case "armv7l", "armv6l": "arm"
        case "i686", "i386": "386"
        default: machine
        }
    }

    static func version(_ facts: SystemFacts) -> JSONValue {
        let architecture = goArchitecture(facts.architecture)
        let details = JSONValue.members([
            "ApiVersion": "\(APIVersion.newest)", "Arch": architecture, "Experimental": "false",
            "KernelVersion": facts.kernel, "MinAPIVersion": "\(APIVersion.oldest)", "Os": "linux",
        ])
        let component = JSONValue.members([
            "Name": "Engine", "Version": WireVersion.product, "Details": details,
        ])
        return .members([
            "Platform": JSONValue.members(["Name": "berth"]), "Components": [component],
            "Version": WireVersion.product, "ApiVersion": "\(APIVersion.newest)",
            "MinAPIVersion": "\(APIVersion.oldest)", "GitCommit": "", "GoVersion": "", "Os": "linux",
            "Arch": architecture, "KernelVersion": facts.kernel, "BuildTime": "",
        ])
    }

    static func info(_ facts: SystemFacts, _ version: APIVersion) -> JSONValue {
        let plugins = JSONValue.members([
            "Volume": ["local"], "Network": ["bridge", "host", "ipvlan", "macvlan", "none"],
            "Authorization": JSONValue.null, "Log": ["journald", "json-file", "local", "none", "syslog"],
        ])
        let pools = facts.settings.addressPools.pools.map {
            JSONValue.members(["Base": "\($0.base)", "Size": $0.size])
        }
        let mirrors = facts.settings.registryMirrors.map { $0.hasSuffix("/") ? $0 : "\($0)/" }
        let registry = JSONValue.members([
            "InsecureRegistryCIDRs": facts.settings.insecureRegistries.filter { $0.contains("/") } + ["127.0.0.0/8"],
            "IndexConfigs": JSONValue.members([
                "docker.io": JSONValue.members([
                    "Name": "docker.io", "Mirrors": mirrors, "Secure": true, "Official": true,
                ])
            ]),
            "Mirrors": mirrors,
        ])
        let runtimes = JSONValue.members(["berth": JSONValue.members(["path": "berth-runtime"])])
        let swarm = JSONValue.members([
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false, "Error": "",
            "RemoteManagers": JSONValue.null,
        ])
        let system = JSONValue.members([
            "ID": "berth\(facts.instance.isEmpty ? "" : "-" + facts.instance):\(facts.hostName)",
            "Containers": facts.running + facts.paused + facts.stopped, "ContainersRunning": facts.running,
            "ContainersPaused": facts.paused, "ContainersStopped": facts.stopped, "Images": facts.images,
            "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]], "Plugins": plugins,
            "MemoryLimit": true, "SwapLimit": true, "CpuCfsPeriod": true, "CpuCfsQuota": true, "CPUShares": true,
            "CPUSet": true, "PidsLimit": true, "IPv4Forwarding": true, "Debug": facts.settings.logLevel <= .debug,
            "NFd": 0, "OomKillDisable": !facts.usesUnifiedCgroups, "NGoroutines": 0,
            "SystemTime": Instant.text(facts.now),
            "LoggingDriver": facts.settings.defaults.logging?.driver ?? "json-file", "CgroupDriver": "cgroupfs",
            "CgroupVersion": facts.usesUnifiedCgroups ? "2" : "1", "NEventsListener": 0,
        ])
        let machine: KeyValuePairs<String, any JSONConvertible> = [
            "KernelVersion": facts.kernel, "OperatingSystem": facts.system, "OSVersion": facts.systemVersion,
            "OSType": "linux", "Architecture": facts.architecture, "IndexServerAddress": "https://index.docker.io/v1/",
            "RegistryConfig": registry, "NCPU": facts.processors, "MemTotal": facts.memory,
            "GenericResources": JSONValue.array([]), "DockerRootDir": facts.settings.root, "HttpProxy": "",
            "HttpsProxy": "", "NoProxy": "", "Name": facts.hostName, "Labels": facts.labels, "ExperimentalBuild": false,
            "ServerVersion": WireVersion.product, "Runtimes": runtimes, "DefaultRuntime": "berth", "Swarm": swarm,
            "LiveRestoreEnabled": true, "Isolation": "", "InitBinary": "berth-init",
            "ContainerdCommit": JSONValue.members(["ID": ""]),
            "RuncCommit": JSONValue.members(["ID": ""]), "InitCommit": JSONValue.members(["ID": ""]),
            "SecurityOptions": ["name=seccomp,profile=builtin"], "DefaultAddressPools": pools,
            "Warnings": facts.warnings,
        ]
        let bridged = JSONValue.members(["BridgeNfIptables": true, "BridgeNfIp6tables": true])
        let info = system.adding(machine)
        // Left out of the newest versions: they said nothing for long.
        return version < APIVersion(major: 1, minor: 50)
            ? info.adding([
                "BridgeNfIptables": bridged["BridgeNfIptables"], "BridgeNfIp6tables": bridged["BridgeNfIp6tables"],
            ]) : info
    }

    /// Asks the registry whether it accepts the login. The client stores the login.
    private func authenticate(_ request: DockerRequest) async throws -> Response {
        let (server, logins) = try RegistryAuth.body(request.json())
        do { try await engine.checkLogin(at: server, logins: logins) } catch let failure as EngineFailure
            where failure.code == .noRights
        {
            throw DockerFailure(.unauthorized, failure.message)
        }
        return .json(.members(["Status": "Login Succeeded", "IdentityToken": ""]))
    }
}
