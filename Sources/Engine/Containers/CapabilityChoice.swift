import EngineWire
import Linux
import Runtime

/// Computes the capabilities of a container from what its service adds and drops.
enum CapabilityChoice {
    /// Docker's rule: `cap_drop: ALL` drops everything that `cap_add` does not name. "All" means the engine's own
    /// capabilities, `held`; inside a container or a hardened unit it cannot give more.
    /// - Throws: `EngineFailure` for an unknown capability, or one that the engine does not have.
    static func members(adding: [String], dropping: [String], held: [String]) throws -> [String] {
        for name in adding { try check(adding: name, held: held) }
        let add = Set(try adding.map(known))
        let drop = Set(try dropping.map(known))
        let base = add.contains("CAP_ALL") ? held : drop.contains("CAP_ALL") ? [] : DefaultProfile.capabilities
        let wanted = Set(base).subtracting(drop).union(add.subtracting(["CAP_ALL"]))
        return held.filter { wanted.contains($0) }
    }

    /// The kernel's name for `NET_ADMIN`, `cap_net_admin` or `ALL` in a file.
    static func known(_ name: String) throws -> String {
        let upper = name.uppercased()
        let full = upper.hasPrefix("CAP_") ? upper : "CAP_\(upper)"
        guard full == "CAP_ALL" || CapabilitySet.number(of: full) != nil else {
            throw EngineFailure(
                code: .invalid, message: "unknown capability \(full)",
                hint: "`man 7 capabilities` lists them; ALL means all")
        }
        return full
    }

    static func check(adding name: String, held: [String]) throws {
        let full = try known(name)
        guard full != "CAP_ALL", !held.contains(full) else { return }
        throw EngineFailure(
            code: .unsupported, message: "the engine itself does not have \(full)",
            hint: "start the engine with this capability, or remove it from cap_add")
    }
}
