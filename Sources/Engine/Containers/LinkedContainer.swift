import EngineWire
import Linux
import OCI
import ProjectModel

/// What a container on the common network learns of one that it has a link to, in the form of Docker's links: variables, and a line
/// of /etc/hosts. Containers on other networks find each other by name alone.
struct LinkedContainer {
    /// The one that the link leads to.
    let target: ContainerRecord
    let alias: String
    /// The one that has the link.
    let owner: ContainerRecord

    static func hasVariables(_ owner: ContainerRecord) -> Bool {
        guard case .free = owner.owner, !owner.template.externalLinks.isEmpty else { return false }
        return owner.endpoints.first?.network == Engine.commonNetwork
    }

    private var address: IPAddress? {
        target.endpoints.first { $0.network == Engine.commonNetwork }?.bareAddresses.first
    }

    var host: Surroundings.Host? {
        address.map { .init("\($0)", [alias, String(target.id.prefix(12)), target.name]) }
    }

    /// `DB_PORT`, `DB_PORT_5432_TCP_ADDR`, `DB_NAME`, `DB_ENV_…`, with the alias in capitals before each.
    var variables: [String: String] {
        guard let address else { return [:] }
        let prefix = String(alias.uppercased().map { $0 == "-" ? "_" : $0 })
        var values = ["\(prefix)_NAME": "/\(owner.name)/\(alias)"]
        for (index, port) in ports.enumerated() {
            let whole = "\(port.transport)://\(address):\(port.number)"
            if index == 0 { values["\(prefix)_PORT"] = whole }
            let name = "\(prefix)_PORT_\(port.number)_\(port.transport.uppercased())"
            values[name] = whole
            values["\(name)_ADDR"] = "\(address)"
            values["\(name)_PORT"] = "\(port.number)"
            values["\(name)_PROTO"] = port.transport
        }
        var environment: [String: String] = [:]
        for entry in target.image.env ?? [] {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 { environment[parts[0]] = parts[1] }
        }
        environment.merge(target.template.environment) { $1 }
        for (name, value) in environment where !["HOME", "PATH"].contains(name) {
            values["\(prefix)_ENV_\(name)"] = value
        }
        return values
    }

    /// What it exposes or publishes, TCP first.
    private var ports: [(number: UInt16, transport: String)] {
        let exposed = target.template.expose + (target.image.exposedPorts ?? [:]).keys
        let texts = Set(exposed.map { $0.contains("/") ? $0 : "\($0)/tcp" })
            .union(target.ports.map { "\($0.target)/\($0.transport)" })
        return texts.compactMap { text in
            let parts = text.split(separator: "/")
            return UInt16(parts[0]).map { ($0, String(parts[1])) }
        }.sorted { ($0.transport == "tcp" ? 0 : 1, $0.number) < ($1.transport == "tcp" ? 0 : 1, $1.number) }
    }
}
