import Linux
import Networking
import ProjectModel

/// A network on this machine.
package struct NetworkRecord: Codable, Hashable, Sendable {
    package var name: String
    /// 64 hex digits.
    package var id: String
    package var project: String?
    package var key: String?
    package var definition: NetworkDefinition
    /// How it exists on this machine.
    package var realisation: Realisation
    /// Subnets and their gateways in the same order, IPv4 first.
    package var subnets: [CIDR]
    package var gateways: [IPAddress]
    package var createdAt: Int64

    /// The driver, as the Compose file names it.
    package var driver: String { definition.driver.flatMap { $0.isEmpty ? nil : $0 } ?? "bridge" }

    package init(
        name: String, id: String, project: String?, key: String?, definition: NetworkDefinition,
        realisation: Realisation, subnets: [CIDR], gateways: [IPAddress], createdAt: Int64
    ) {
        self.name = name
        self.id = id
        self.project = project
        self.key = key
        self.definition = definition
        self.realisation = realisation
        self.subnets = subnets
        self.gateways = gateways
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case name, id, project, key, definition, realisation, subnets, gateways, createdAt
    }

    /// Earlier releases knew only bridges, and stored the bridge's name.
    private enum EarlierKeys: String, CodingKey { case bridge }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        id = try container.decode(String.self, forKey: .id)
        project = try container.decodeIfPresent(String.self, forKey: .project)
        key = try container.decodeIfPresent(String.self, forKey: .key)
        definition = try container.decode(NetworkDefinition.self, forKey: .definition)
        subnets = try container.decode([CIDR].self, forKey: .subnets)
        gateways = try container.decode([IPAddress].self, forKey: .gateways)
        createdAt = try container.decode(Int64.self, forKey: .createdAt)
        if let realisation = try container.decodeIfPresent(Realisation.self, forKey: .realisation) {
            self.realisation = realisation
        } else {
            let earlier = try decoder.container(keyedBy: EarlierKeys.self)
            realisation = .bridge(try earlier.decode(String.self, forKey: .bridge))
        }
    }
}
