import ProjectModel

/// `POST /v1/networks/create`; the answer is a `NetworkRow`.
package struct NetworkRequest: Codable, Hashable, Sendable {
    package var name: String
    /// nil means `bridge`.
    package var driver: String?
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]
    package var isInternal = false
    package var attachable = false
    package var enableIPv4 = true
    package var enableIPv6 = false
    /// CIDRs; each range, gateway and auxiliary address belongs to the subnet that contains it.
    package var subnets: [String] = []
    package var ranges: [String] = []
    package var gateways: [String] = []
    /// Addresses by the names of their owners.
    package var auxiliary: [String: String] = [:]
    package var addressDriver: String?

    package init(name: String) { self.name = name }
}

/// `POST /v1/volumes/create`; the answer is a `VolumeRow`.
package struct VolumeRequest: Codable, Hashable, Sendable {
    /// nil lets the engine choose a name.
    package var name: String?
    /// nil means `local`.
    package var driver: String?
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]

    package init(name: String? = nil) { self.name = name }
}

/// `POST /v1/networks/NAME/connect`.
package struct ConnectRequest: Codable, Hashable, Sendable {
    package var container: String
    /// The network name in it is ignored.
    package var attachment: NetworkAttachment

    package init(container: String, attachment: NetworkAttachment) {
        self.container = container
        self.attachment = attachment
    }
}

/// `POST /v1/networks/NAME/disconnect`.
package struct DisconnectRequest: Codable, Hashable, Sendable {
    package var container: String
    /// Succeed if the container is gone or is not on the network.
    package var force = false

    package init(container: String) { self.container = container }
}
