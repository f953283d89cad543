import JSON
import Linux

extension Setting {
    /// Every setting, in the order in which they are documented.
    package static let all: [Setting] = [
        Setting(
            "root", variable: "BERTH_ROOT", \.root, .folder, isInFile: false, example: "/srv/berth",
            "The folder with everything that must survive a reboot; one engine for each."),
        Setting(
            "run", variable: "BERTH_RUN", \.run, .folder, isInFile: false, example: "/run/berth",
            "The folder with the socket and everything that must not survive a reboot."),
        Setting(
            "log-level", variable: "BERTH_LOG", \.logLevel, .logLevel, example: "debug",
            "How much the engine says on standard error."),
        Setting(
            "idle-exit", variable: "BERTH_IDLE_EXIT", \.idleExit,
            .integer("a number of seconds", in: 0...Int(Int32.max)),
            example: 0, "Seconds without anything to look after before the engine leaves; 0 stays."),
        Setting(
            "insecure-registries", variable: "BERTH_INSECURE_REGISTRIES", \.insecureRegistries, .list(of: .registry),
            example: ["registry.lan:5000"],
            "Registries that may be spoken to without encryption: hosts with or without a port, or IPv4 ranges."),
        Setting(
            "default-address-pools", variable: "BERTH_ADDRESS_POOLS", \.addressPools, .pools,
            default: "172.17.0.0/16 to 172.31.0.0/16 whole, then 192.168.0.0/16 in pieces of /20",
            example: [["base": "10.200.0.0/16", "size": 24]],
            "Where networks that name no subnet get one; as a variable `10.200.0.0/16:24`."),
        Setting(
            "dns", variable: "BERTH_DNS", \.nameServers, .list(of: .address), default: "the servers of the host",
            example: ["10.0.0.53"],
            "Servers that are asked for names outside of the engine's networks."),
        Setting(
            "log-max-size", variable: "BERTH_LOG_MAX_SIZE", \.logMaximumSize, .bytes, example: "50m",
            "The size at which a container's log file is put aside, unless its `logging` says otherwise."),
        Setting(
            "log-max-file", variable: "BERTH_LOG_MAX_FILE", \.logMaximumFiles,
            .integer("a number of files", in: 1...1000), example: 5,
            "How many log files of a container are kept, unless its `logging` says otherwise."),
    ]
}

extension SettingForm<String> {
    fileprivate static let registry = text(
        "a host, with or without a port, or an IPv4 range", pattern: "^[^/ ]+(/[0-9]+)?$"
    ) {
        let parts = $0.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2 { return CIDR($0)?.family == .v4 }
        return parts.count == 1 && !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: " "))
    }

    fileprivate static let address = text("an IP address", pattern: "^[0-9a-fA-F:.]+$") { IPAddress($0) != nil }
}
