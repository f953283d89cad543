import EngineWire
import Networking
import ProjectModel
import Reconcile

/// The bridge name that a network's definition asks for.
struct BridgeName: Sendable {
    static let option = BridgeOptions.name

    let inventory: Inventory
    let machine: any Machine

    /// nil when the file names none.
    /// - Throws: `EngineFailure` for a name that cannot be used. An existing bridge belongs to somebody else; berth
    ///   would take its addresses away.
    func wanted(by definition: NetworkDefinition) async throws -> String? {
        guard let name = definition.driverOptions[Self.option], !name.isEmpty else { return nil }
        do { try Self.checkInterfaceName(name) } catch {
            throw EngineFailure(
                code: error.code, message: "network \(definition.name): \(error.message)", hint: error.hint)
        }
        if let other = await inventory.allNetworks().first(where: { $0.realisation.ownLinks.contains(name) }) {
            throw EngineFailure(
                code: .conflict,
                message: "network \(definition.name): bridge \(name) belongs to network \(other.name)",
                hint: "choose another \(Self.option)")
        }
        guard try await !machine.hasInterface(name) else {
            throw EngineFailure(
                code: .conflict, message: "network \(definition.name): this host already has an interface \(name)",
                hint: "choose another \(Self.option), or `ip link delete \(name)`")
        }
        return name
    }

    /// Accepts what the kernel accepts as an interface name (its `dev_valid_name`), except characters with a meaning in
    /// firewall rules.
    static func checkInterfaceName(_ name: String) throws(EngineFailure) {
        let isPlain = name.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 32 && $0.value < 127 }
        let hasMeaning = name.contains { "/:\"*\\$%".contains($0) } || name == "." || name == ".."
        guard !name.isEmpty, name.utf8.count <= 15, isPlain, !hasMeaning else {
            throw EngineFailure(
                code: .invalid, message: "\"\(name)\" cannot be an interface's name",
                hint: "it has at most 15 bytes: letters, digits, \"-\", \"_\" and \".\"")
        }
    }
}
