import ProjectModel

/// What a network is to be made of: its driver with the options of that driver.
///
/// Another driver is a case here, with its options in a file of their own, and a realisation in `Networking`.
package enum NetworkKind: Hashable, Sendable {
    case bridge(BridgeOptions)
    case macvlan(MacvlanOptions)
    case ipvlan(IpvlanOptions)

    /// The drivers there are, in the Compose file's words.
    package static let drivers = ["bridge", "macvlan", "ipvlan"]

    /// nil for a driver that there is not.
    package init?(_ definition: NetworkDefinition) {
        switch definition.driverName {
        case "bridge": self = .bridge(BridgeOptions(definition.driverOptions))
        case "macvlan": self = .macvlan(MacvlanOptions(definition.driverOptions))
        case "ipvlan": self = .ipvlan(IpvlanOptions(definition.driverOptions))
        default: return nil
        }
    }

    /// Kinds of interfaces that the kernel must have for it.
    package var linkKinds: [String] {
        switch self {
        case .bridge: ["bridge", "veth"]
        case .macvlan(let options): ["macvlan"] + Self.parentKinds(options.parent)
        case .ipvlan(let options): ["ipvlan"] + Self.parentKinds(options.parent)
        }
    }

    /// Without a parent a pair stands in for one; `eth0.10` is made when it is missing.
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

    /// The host is a member of it, so that published ports lead there and its subnet is nobody else's.
    package var hasHost: Bool {
        guard case .bridge = self else { return false }
        return true
    }

    /// What of the options cannot be meant.
    func mistakes(in options: [String: String]) -> [OptionMistake] {
        switch self {
        case .bridge: BridgeOptions.mistakes(in: options)
        case .macvlan: MacvlanOptions.mistakes(in: options)
        case .ipvlan: IpvlanOptions.mistakes(in: options)
        }
    }
}

/// A driver option that cannot be meant.
struct OptionMistake: Hashable, Sendable {
    var option: String
    var problem: String
    var hint: String

    /// `text` is none of the words that the option has.
    static func notAmong(_ words: [String], _ option: String, _ text: String) -> OptionMistake {
        OptionMistake(
            option: option, problem: "\"\(text)\" is no \(option)", hint: "there are \(words.joined(separator: ", "))")
    }
}

extension NetworkDefinition {
    package var driverName: String { driver.flatMap { $0.isEmpty ? nil : $0 } ?? "bridge" }
    package var kind: NetworkKind? { NetworkKind(self) }
}
