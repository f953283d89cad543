import Addresses
import ProjectModel

/// The `driver_opts` of a bridge network, with Docker's names.
package struct BridgeOptions: Hashable, Sendable {
    package static let name = "com.docker.network.bridge.name"
    package static let peers = "com.docker.network.bridge.enable_icc"
    package static let masquerade = "com.docker.network.bridge.enable_ip_masquerade"
    package static let packetSize = "com.docker.network.driver.mtu"
    package static let hostAddress = "com.docker.network.bridge.host_binding_ipv4"
    package static let interfacePrefix = "com.docker.network.container_iface_prefix"

    /// All options that berth supports.
    package static let all = [name, peers, masquerade, packetSize, hostAddress, interfacePrefix]

    /// Containers of the network can reach each other.
    package var allowsPeers = true
    /// Outgoing packets get the machine's address.
    package var masquerades = true
    /// The MTU in bytes; nil means the kernel's 1500.
    package var mtu: UInt32?
    /// The address for published ports without one; nil means every address.
    package var hostAddress: String?
    /// The prefix of interface names in containers.
    package var interfacePrefix = "eth"

    /// Ignores values that cannot be read; `mistakes` reports them before anything is created.
    package init(_ options: [String: String]) {
        allowsPeers = options[Self.peers].flatMap(Self.truth) ?? true
        masquerades = options[Self.masquerade].flatMap(Self.truth) ?? true
        mtu = options[Self.packetSize].flatMap(Self.size)
        hostAddress = options[Self.hostAddress].flatMap { Self.isIPv4($0) && $0 != "0.0.0.0" ? $0 : nil }
        interfacePrefix = options[Self.interfacePrefix].flatMap { Self.isPrefix($0) ? $0 : nil } ?? "eth"
    }

    /// Invalid values, each with a hint.
    static func mistakes(in options: [String: String]) -> [OptionMistake] {
        var mistakes: [OptionMistake] = []
        func add(_ option: String, _ problem: String, _ hint: String) {
            mistakes.append(OptionMistake(option: option, problem: problem, hint: hint))
        }
        for option in [peers, masquerade] {
            guard let text = options[option], truth(text) == nil else { continue }
            add(option, "\"\(text)\" is neither true nor false", "write \"true\" or \"false\"")
        }
        mistakes += packetSizeMistakes(in: options)
        if let text = options[hostAddress], !isIPv4(text) {
            add(hostAddress, "\"\(text)\" is not an IPv4 address", "such as 127.0.0.1")
        }
        if let text = options[interfacePrefix], !isPrefix(text) {
            add(
                interfacePrefix, "\"\(text)\" cannot be the prefix of interface names",
                "at most 12 letters, digits, \"_\", \"-\" and \".\"")
        }
        return mistakes
    }

    /// Checks the option that every driver has.
    static func packetSizeMistakes(in options: [String: String]) -> [OptionMistake] {
        guard let text = options[packetSize], size(text) == nil else { return [] }
        return [
            OptionMistake(
                option: packetSize, problem: "\"\(text)\" is not a valid MTU", hint: "such as 1450, 68 to 65535")
        ]
    }

    private static func isIPv4(_ text: String) -> Bool { IPAddress(text)?.family == .v4 }

    /// A number of up to two digits follows the prefix, and an interface name has at most 15 bytes.
    private static func isPrefix(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte)
        }
        return isPlain && (1...12).contains(text.utf8.count) && text != "lo"
    }

    /// In the forms that Docker accepts (strconv.ParseBool).
    private static func truth(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    private static func size(_ text: String) -> UInt32? {
        UInt32(text).flatMap { (68...65_535).contains($0) ? $0 : nil }
    }
}

extension NetworkDefinition {
    package var bridgeOptions: BridgeOptions { BridgeOptions(driverOptions) }
}
