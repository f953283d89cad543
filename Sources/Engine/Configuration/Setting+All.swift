import JSON
import Linux

extension Setting {
    /// Every setting, in the order of the documentation.
    package static let all: [Setting] = [
        Setting(
            "root", variable: "BERTH_ROOT", \.root, .folder, isInFile: false, example: "/srv/berth",
            "The folder for everything that must survive a reboot. Each engine needs its own."),
        Setting(
            "run", variable: "BERTH_RUN", \.run, .folder, isInFile: false, example: "/run/berth",
            "The folder for the socket and everything that must not survive a reboot."),
        Setting(
            "log-level", variable: "BERTH_LOG", \.logLevel, .logLevel, example: "debug",
            "How much the engine logs on standard error."),
        Setting(
            "idle-exit", variable: "BERTH_IDLE_EXIT", \.idleExit,
            .integer("a number of seconds", in: 0...Int(Int32.max)),
            example: 0, "The engine ends after this many seconds without containers and operations; 0 means never."),
        Setting(
            "insecure-registries", variable: "BERTH_INSECURE_REGISTRIES", \.insecureRegistries, .list(of: .registry),
            example: ["registry.lan:5000"],
            "Registries for which the engine may use plain HTTP or unknown certificates: hosts with or without a port, or IPv4 ranges."
        ),
        Setting(
            "default-address-pools", variable: "BERTH_ADDRESS_POOLS", \.addressPools, .pools,
            default: "172.17.0.0/16 to 172.31.0.0/16 whole, then 192.168.0.0/16 in pieces of /20",
            example: [["base": "10.200.0.0/16", "size": 24]],
            "The address ranges for networks without a `subnet`; as a variable `10.200.0.0/16:24`."),
        Setting(
            "dns", variable: "BERTH_DNS", \.nameServers, .list(of: .address), default: "the servers of the host",
            example: ["10.0.0.53"],
            "The DNS servers for names outside of the engine's networks."),
        Setting(
            "log-max-size", variable: "BERTH_LOG_MAX_SIZE", \.logMaximumSize, .bytes, example: "50m",
            "The size at which a container's log file is rotated, unless its `logging` says otherwise."),
        Setting(
            "log-max-file", variable: "BERTH_LOG_MAX_FILE", \.logMaximumFiles,
            .integer("a number of files", in: 1...1000), example: 5,
            "How many log files the engine keeps for a container, unless its `logging` says otherwise."),
        Setting(
            "docker-socket", variable: "BERTH_DOCKER_SOCKET", \.dockerSocketPath, .socket,
            default: "`docker.sock` in the run folder", example: "/var/run/docker.sock",
            "The socket for Docker's clients; `none` means no socket. If another program serves this path, the engine does not use it."
        ),
        Setting(
            "docker-group", variable: "BERTH_DOCKER_GROUP", \.dockerGroup, .group, example: "docker",
            "The group whose members may use the sockets for Docker's clients; they are as powerful as root."),
        Setting(
            "docker-socket-mode", variable: "BERTH_DOCKER_SOCKET_MODE", \.dockerMode, .mode, example: "600",
            "The file mode of these sockets."),
        Setting(
            "docker-hosts", variable: "BERTH_DOCKER_HOSTS", \.dockerHosts, .hosts,
            example: ["unix:///srv/berth/docker.sock"],
            "More addresses for Docker's clients: `unix://PATH`, `tcp://HOST:PORT`, `fd://`."),
        Setting(
            "tlscacert", variable: "BERTH_TLSCACERT", \.tlsAuthority, .file, default: "none",
            example: "/etc/berth/tls/ca.pem",
            "The authority (PEM) that signs the certificates of clients at `tcp://`; without it the engine refuses `tcp://` hosts."
        ),
        Setting(
            "tlscert", variable: "BERTH_TLSCERT", \.tlsCertificate, .file, default: "none",
            example: "/etc/berth/tls/server-cert.pem", "The engine's certificate (PEM) at `tcp://`."),
        Setting(
            "tlskey", variable: "BERTH_TLSKEY", \.tlsKey, .file, default: "none",
            example: "/etc/berth/tls/server-key.pem", "The key (PEM) of this certificate."),
        Setting(
            "docker-insecure-tcp", variable: "BERTH_DOCKER_INSECURE_TCP", \.insecureTCP, .flag, example: true,
            "Serve `tcp://` without client certificates: anybody who reaches the port is root on this machine."),
        Setting(
            "docker-readonly-socket", variable: "BERTH_DOCKER_READONLY_SOCKET", \.readOnlySocket, .file,
            default: "none", example: "/run/berth/docker-readonly.sock",
            "A read-only socket for Docker's clients, such as dashboards."),
        Setting(
            "docker-readonly-group", variable: "BERTH_DOCKER_READONLY_GROUP", \.readOnlyGroup, .group,
            example: "monitoring", "The group whose members may use the read-only socket."),
        Setting(
            "registry-mirrors", variable: "BERTH_REGISTRY_MIRRORS", \.registryMirrors, .list(of: .mirror),
            example: ["https://mirror.lan"],
            "Registries with copies of Docker Hub's images; the engine asks them first, in this order."),
        Setting(
            "docker-config", variable: "BERTH_DOCKER_CONFIG", \.daemonFile, .file, default: "none",
            example: "/etc/docker/daemon.json",
            "A configuration file of dockerd; the engine's own settings override it. `--config-file` is the same."),
        Setting(
            "build-cache-size", variable: "BERTH_BUILD_CACHE_SIZE", \.buildCacheSize, .bytes, example: "50g",
            "The size of the build cache; the engine removes the least recently used entries first."),
    ]
}

extension SettingForm<String?> {
    /// An absolute path, or `none`, which becomes an empty path.
    fileprivate static let socket: SettingForm = {
        let form = SettingForm<String>.text("an absolute path, or none", pattern: "^(/.*|none)$") {
            $0.hasPrefix("/") || $0 == "none"
        }
        return SettingForm(
            schema: form.schema,
            read: { (value) throws(SettingFailure) in path(try form.read(value)) },
            parse: { (text) throws(SettingFailure) in path(try form.parse(text)) },
            written: { .string($0 ?? "") })
    }()

    private static func path(_ text: String) -> String { text == "none" ? "" : text }

    /// An absolute path, or `none`, which becomes nil.
    fileprivate static let file: SettingForm = {
        let form = SettingForm<String?>.socket
        return SettingForm(
            schema: form.schema,
            read: { (value) throws(SettingFailure) in something(try form.read(value)) },
            parse: { (text) throws(SettingFailure) in something(try form.parse(text)) }, written: form.written)
    }()

    private static func something(_ path: String?) -> String? { path == "" ? nil : path }
}

extension SettingForm<UInt32> {
    /// A file's mode, in octal digits.
    fileprivate static let mode: SettingForm = {
        let form = SettingForm<String>.text("a mode such as 660", pattern: "^0?[0-7]{3}$") { number($0) != nil }
        return SettingForm(
            schema: form.schema,
            read: { (value) throws(SettingFailure) in number(try form.read(value)) ?? 0 },
            parse: { (text) throws(SettingFailure) in number(try form.parse(text)) ?? 0 },
            written: { .string(String($0, radix: 8)) })
    }()

    private static func number(_ text: String) -> UInt32? {
        (3...4).contains(text.utf8.count) ? UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil } : nil
    }
}

extension SettingForm<Bool> {
    /// true or false; as text also 1 and 0.
    fileprivate static let flag: SettingForm = {
        let expected = "true or false"
        return SettingForm(
            schema: ["type": "boolean"],
            read: { (value) throws(SettingFailure) in
                guard let flag = value.bool else { throw SettingFailure(expected: expected, found: value.text()) }
                return flag
            },
            parse: { (text) throws(SettingFailure) in
                switch text.lowercased() {
                case "true", "1": return true
                case "false", "0": return false
                default: throw SettingFailure(expected: expected, found: "\"\(text)\"")
                }
            }, written: { .bool($0) })
    }()
}

extension SettingForm<[DockerHost]> {
    /// In the form that dockerd uses.
    fileprivate static let hosts: SettingForm = {
        let item = SettingForm<String>.text(
            "unix://PATH, tcp://HOST:PORT or fd://", pattern: "^(unix:///.+|tcp://[^/]*/?|fd://\\*?)$"
        ) { DockerHost($0) != nil }
        let form = SettingForm<[String]>.list(of: item)
        return SettingForm(
            schema: form.schema,
            read: { (value) throws(SettingFailure) in try form.read(value).compactMap { DockerHost($0) } },
            parse: { (text) throws(SettingFailure) in try form.parse(text).compactMap { DockerHost($0) } },
            written: { .array($0.map { .string("\($0)") }) })
    }()
}

extension SettingForm<String> {
    fileprivate static let registry = text(
        "a host, with or without a port, or an IPv4 range", pattern: "^[^/ ]+(/[0-9]+)?$"
    ) {
        let parts = $0.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2 { return CIDR($0)?.family == .v4 }
        return parts.count == 1 && !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: " "))
    }

    fileprivate static let mirror = text(
        "https://HOST or http://HOST, with or without a port", pattern: "^https?://[^/ ]+/?$"
    ) {
        let parts = $0.split(separator: "/", omittingEmptySubsequences: false)
        return (parts.count == 3 || parts.count == 4 && parts[3].isEmpty) && ["https:", "http:"].contains(parts[0])
            && parts[1].isEmpty && !parts[2].isEmpty && !parts[2].contains(" ")
    }

    fileprivate static let group = text("the name of a group", pattern: "^[^ :/]+$") {
        !$0.isEmpty && !$0.contains { " :/".contains($0) }
    }

    fileprivate static let address = text("an IP address", pattern: "^[0-9a-fA-F:.]+$") { IPAddress($0) != nil }
}
