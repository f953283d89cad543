import ProjectModel

/// The kind of a network: its driver with the driver's options.
///
/// To add a driver, add a case here, a file for its options, and a realisation in `Networking`.
package enum NetworkKind: Hashable, Sendable {
    case bridge(BridgeOptions)
    case macvlan(MacvlanOptions)
    case ipvlan(IpvlanOptions)

    /// All drivers, with their names in the Compose file.
    package static let drivers = ["bridge", "macvlan", "ipvlan"]

    /// nil for an unknown driver.
    package init?(_ definition: NetworkDefinition) {
        switch definition.driverName {
        case "bridge": self = .bridge(BridgeOptions(definition.driverOptions))
        case "macvlan": self = .macvlan(MacvlanOptions(definition.driverOptions))
        case "ipvlan": self = .ipvlan(IpvlanOptions(definition.driverOptions))
        default: return nil
        }
    }

    /// The types of interfaces that it needs from the kernel.
    package var linkKinds: [String] {
        switch self {
        case .bridge: ["bridge", "veth"]
        case .macvlan(let options): ["macvlan"] + Self.parentKinds(options.parent)
        case .ipvlan(let options): ["ipvlan"] + Self.parentKinds(options.parent)
        }
    }

    /// Without a parent berth uses a veth pair instead; it creates a missing `eth0.10`.
    private static func parentKinds(_ parent: String?) -> [String] {
        guard let parent else { return ["veth"] }
        return parent.contains(".") ? ["vlan"] : []
    }

    /// The interface of the host that it shares.
    package var parent: String? {
        switch self {
        case .bridge: nil
        case .macvlan(let options): options.parent
        case .ipvlan(let options): options.parent
        }
    }

    /// The host is on this network: berth can publish ports, and no other network may use its subnet.
    package var hasHost: Bool {
        guard case .bridge = self else { return false }
        return true
    }

    /// Invalid options.
    func mistakes(in options: [String: String]) -> [OptionMistake] {
        switch self {
        case .bridge: BridgeOptions.mistakes(in: options)
        case .macvlan: MacvlanOptions.mistakes(in: options)
        case .ipvlan: IpvlanOptions.mistakes(in: options)
        }
    }
}

/// A driver option with an invalid value.
struct OptionMistake: Hashable, Sendable {
    var option: String
    var problem: String
    var hint: String

    /// `text` is not one of the values of the option.
    static func notAmong(_ words: [String], _ option: String, _ text: String) -> OptionMistake {
        OptionMistake(
            option: option, problem: "\"\(text)\" is not a value of \(option)",
            hint: "use one of \(words.joined(separator: ", "))")
    }
}

extension NetworkDefinition {
    package var driverName: String { driver.flatMap { $0.isEmpty ? nil : $0 } ?? "bridge" }
    package var kind: NetworkKind? { NetworkKind(self) }
}
