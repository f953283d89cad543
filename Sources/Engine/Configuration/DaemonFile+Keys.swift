import EngineWire
import JSON
import Linux
import Logging
import Networking
import ProjectModel

/// The keys of daemon.json.
extension DaemonFile {
    static let meanings: [String: Meaning] = acting.merging(holding) { first, _ in first }
        .merging(idle) { first, _ in first }.merging(refused) { first, _ in first }

    private static let acting: [String: Meaning] = [
        "hosts": same("docker-hosts"), "tlscacert": same("tlscacert"), "tlscert": same("tlscert"),
        "tlskey": same("tlskey"), "tls": .acts(ignoringFlag), "tlsverify": .acts(ignoringFlag),
        "group": same("docker-group"), "debug": .acts(ignoringFlag),
        "insecure-registries": same("insecure-registries"), "default-address-pools": same("default-address-pools"),
        "dns": same("dns"), "registry-mirrors": same("registry-mirrors"),
        "log-level": .acts { (value, settings) throws(SettingFailure) in
            let levels: [String: Logger.Level] = [
                "debug": .debug, "info": .notice, "warn": .warning, "error": .error, "fatal": .critical,
                "panic": .critical, "trace": .trace,
            ]
            guard let level = value.string.flatMap({ levels[$0] }) else {
                throw SettingFailure(expected: "one of debug, info, warn, error, fatal", found: value.text())
            }
            settings.logLevel = level
        },
        "log-driver": .acts { (value, settings) throws(SettingFailure) in
            let drivers = ["json-file", "local", "journald", "syslog", "none"]
            guard let driver = value.string, drivers.contains(driver) else {
                throw SettingFailure(expected: "one of \(drivers.joined(separator: ", "))", found: value.text())
            }
            settings.defaults.logging = Logging(driver: driver, options: settings.defaults.logging?.options ?? [:])
        },
        "log-opts": .acts { (value, settings) throws(SettingFailure) in
            let options = try texts(value)
            settings.defaults.logging = Logging(driver: settings.defaults.logging?.driver, options: options)
        },
        "default-ulimits": .acts { (value, settings) throws(SettingFailure) in
            for member in try members(value) {
                let name = member.value["Name"]?.string ?? member.key
                guard let soft = member.value["Soft"]?.integer, let hard = member.value["Hard"]?.integer else {
                    throw SettingFailure(
                        path: [.key(member.key)], expected: "an object with Name, Soft and Hard",
                        found: member.value.text())
                }
                settings.defaults.ulimits[name] = Ulimit(soft: Int64(soft), hard: Int64(hard))
            }
        },
        "no-new-privileges": .acts { (value, settings) throws(SettingFailure) in
            settings.defaults.noNewPrivileges = try flag(value)
        },
        "init": .acts { (value, settings) throws(SettingFailure) in settings.defaults.useInit = try flag(value) },
        "seccomp-profile": .acts { (value, settings) throws(SettingFailure) in
            guard let text = value.string, ["", "builtin", "unconfined"].contains(text) || text.hasPrefix("/") else {
                throw SettingFailure(expected: "builtin, unconfined or an absolute path", found: value.text())
            }
            settings.defaults.seccomp = ["", "builtin"].contains(text) ? nil : text
        },
        "default-shm-size": .acts { (value, settings) throws(SettingFailure) in
            settings.defaults.shmSize = try bytes(value)
        },
        "labels": .acts { (value, settings) throws(SettingFailure) in
            guard let labels = value.array?.compactMap(\.string), labels.count == value.array?.count else {
                throw SettingFailure(expected: "a list of texts", found: value.text())
            }
            settings.labels = labels
        },
        "mtu": .acts { (value, settings) throws(SettingFailure) in
            guard let mtu = value.integer, mtu == 0 || (68...65535).contains(mtu) else {
                throw SettingFailure(expected: "a number of bytes, 68 to 65535", found: value.text())
            }
            settings.networkDefaults.mtu = mtu == 0 ? nil : UInt32(mtu)
        },
        "ip": .acts { (value, settings) throws(SettingFailure) in
            guard let text = value.string, IPAddress(text) != nil else {
                throw SettingFailure(expected: "an IP address", found: value.text())
            }
            settings.networkDefaults.publishAddress = ["0.0.0.0", "::"].contains(text) ? nil : text
        },
        "bip": .acts { (value, settings) throws(SettingFailure) in
            guard let text = value.string, let range = CIDR(text), range.family == .v4,
                range.network.address != range.address
            else {
                throw SettingFailure(
                    expected: "the bridge's own address with its prefix, 10.1.0.1/24", found: value.text())
            }
            settings.networkDefaults.bridge = range
        },
        "ipv6": .acts { (value, settings) throws(SettingFailure) in
            settings.networkDefaults.bridgeHasIPv6 = try flag(value)
        },
        "builder": .acts { (value, settings) throws(SettingFailure) in
            guard let kept = value["gc"]?["defaultKeepStorage"] ?? value["gc"]?["defaultReservedSpace"] else { return }
            settings.buildCacheSize = try bytes(kept)
        },
        "proxies": .acts { (value, settings) throws(SettingFailure) in
            for (name, text) in try texts(value) {
                guard ["http-proxy", "https-proxy", "no-proxy"].contains(name) else {
                    throw SettingFailure(
                        path: [.key(name)], expected: "http-proxy, https-proxy or no-proxy", found: name)
                }
                settings.proxies[name.replacing("-", with: "_")] = text
            }
        },
    ]

    private static let holding: [String: Meaning] = [
        "storage-driver": .holds(
            { $0.string == "overlay2" || $0.string == "" }, "the engine stores images and containers with overlay"),
        "default-runtime": .holds(
            { ["runc", "berth", ""].contains($0.string ?? "-") }, "containers run with berth's own runtime"),
        "iptables": .holds({ $0.bool == true }, "ports and networks need nftables rules"),
        "ip6tables": .holds({ $0.bool == true }, "ports and networks need nftables rules"),
        "ip-forward": .holds({ $0.bool == true }, "networks need forwarding to reach the outside"),
        "ip-masq": .holds({ $0.bool == true }, "networks need masquerading to reach the outside"),
        "icc": .holds({ $0.bool == true }, "give a network the option com.docker.network.bridge.enable_icc=false"),
        "bridge": .holds({ ["", "docker0"].contains($0.string ?? "-") }, "the engine creates its own bridges"),
        "experimental": .holds({ $0.bool != nil }, "it is true or false"),
        "default-cgroupns-mode": .holds({ $0.string == "private" }, "each container has its own cgroup namespace"),
        "default-ipc-mode": .holds({ $0.string == "private" }, "each container has its own IPC namespace"),
        "selinux-enabled": .holds({ $0.bool == false }, "containers get no SELinux labels"),
        "firewall-backend": .holds(
            { ["", "nftables", "iptables"].contains($0.string ?? "-") }, "the engine creates nftables rules"),
        "data-root": .holds(
            { ["/var/lib/docker", "/var/lib/docker/", ""].contains($0.string ?? "-") },
            "BERTH_ROOT names the folder, for `berth` and the engine alike"),
    ]

    private static let idle: [String: Meaning] = [
        "exec-root": .nothing("BERTH_RUN names the folder, for `berth` and the engine alike"),
        "live-restore": .nothing("containers always outlive the engine"),
        "shutdown-timeout": .nothing("containers survive the end of the engine"),
        "runtimes": .nothing("containers run with berth's own runtime; one that asks for another is refused"),
        "max-concurrent-downloads": .nothing("the engine pulls three layers of an image at a time"),
        "max-concurrent-uploads": .nothing("the engine decides how many layers to push at a time"),
        "max-download-attempts": .nothing("the engine decides itself what to retry"),
        "features": .nothing("berth has no such switches"),
        "userland-proxy": .nothing("berth-net forwards what the kernel cannot"),
        "userland-proxy-path": .nothing("berth-net forwards what the kernel cannot"),
        "exec-opts": .nothing("the engine creates cgroups without systemd"),
        "storage-opts": .nothing("the engine itself stores layers"),
        "containerd": .nothing("there is no containerd"), "containerd-namespace": .nothing("there is no containerd"),
        "containerd-plugins-namespace": .nothing("there is no containerd"),
        "pidfile": .nothing("a lock in the root folder replaces the pid file"),
        "log-format": .nothing("the engine's log has only one format"),
        "raw-logs": .nothing("the engine's log has no colours"),
        "oom-score-adjust": .nothing("set it in the service manager's unit"),
        "init-path": .nothing("berth always uses berth-init"),
        "dns-opts": .nothing("the host's options apply, or dns_opt of a service"),
        "dns-search": .nothing("the host's domains apply, or dns_search of a service"),
        "allow-nondistributable-artifacts": .nothing("the engine treats all layers alike"),
        "allow-direct-routing": .nothing("each network has a setting for it"),
        "swarm-default-advertise-addr": .nothing("there is no swarm"),
        "node-generic-resources": .nothing("there is no swarm"),
        "network-control-plane-mtu": .nothing("there is no swarm"),
        "cdi-spec-dirs": .nothing("there are no CDI devices"),
        "host-gateway-ip": .nothing("host-gateway is the address of each network's bridge"),
        "host-gateway-ips": .nothing("host-gateway is the address of each network's bridge"),
        "deprecated-key-path": .nothing("the engine has no key of its own"),
        "cpu-rt-period": .nothing("the kernel's own values apply"),
        "cpu-rt-runtime": .nothing("the kernel's own values apply"),
    ]

    private static let refused: [String: Meaning] = [
        "userns-remap": .refused("users of containers are not mapped"),
        "authorization-plugins": .refused("there are no plugins"), "metrics-addr": .refused("no metrics are served"),
        "cgroup-parent": .refused("cgroups are below /berth"),
        "fixed-cidr": .refused("bip sets the range of the bridge, and containers get addresses from all of it"),
        "fixed-cidr-v6": .refused("default-address-pools may contain IPv6 ranges"),
        "default-gateway": .refused("the bridge is the gateway of its network"),
        "default-gateway-v6": .refused("the bridge is the gateway of its network"),
        "default-network-opts": .refused("the options of each network apply"),
        "api-cors-header": .refused("web pages of other sites may not use the engine"),
        "cluster-store": .refused("there is no cluster"), "cluster-advertise": .refused("there is no cluster"),
        "cluster-store-opts": .refused("there is no cluster"), "http-proxy": .refused("write it below 'proxies'"),
        "https-proxy": .refused("write it below 'proxies'"), "no-proxy": .refused("write it below 'proxies'"),
    ]

    // MARK: Values

    /// Has the same values as the engine's own setting `name`.
    private static func same(_ name: String) -> Meaning {
        .acts { (value, settings) throws(SettingFailure) in
            guard value != .null, value != "" else { return }
            try Setting.all.first { $0.name == name }?.apply(value, to: &settings)
        }
    }

    /// Other code reads this key, together with other keys.
    private static func ignoringFlag(_ value: JSONValue, _ settings: inout EngineSettings) throws(SettingFailure) {
        _ = try flag(value)
    }

    private static func flag(_ value: JSONValue) throws(SettingFailure) -> Bool {
        guard let flag = value.bool else { throw SettingFailure(expected: "true or false", found: value.text()) }
        return flag
    }

    private static func members(_ value: JSONValue) throws(SettingFailure) -> [JSONObject.Member] {
        guard let object = value.object else { throw SettingFailure(expected: "an object", found: value.text()) }
        return object.members
    }

    private static func texts(_ value: JSONValue) throws(SettingFailure) -> [String: String] {
        var result: [String: String] = [:]
        for member in try members(value) {
            guard let text = member.value.string else {
                throw SettingFailure(path: [.key(member.key)], expected: "a text", found: member.value.text())
            }
            result[member.key] = text
        }
        return result
    }

    /// Accepts `64M`, `20GB`, or a number.
    private static func bytes(_ value: JSONValue) throws(SettingFailure) -> Int64 {
        if let number = value.integer, number > 0 { return Int64(number) }
        guard let size = value.string.flatMap({ ByteCount.parse($0) }), size > 0 else {
            throw SettingFailure(expected: "a size such as 64M", found: value.text())
        }
        return size
    }
}
