/// `GET /v1/projects/NAME/events?request=…`: events of a project's containers, one in each line.
package struct ContainerEvent: Codable, Hashable, Sendable {
    /// Nanoseconds since 1970.
    package var time: Int64
    package var service: String
    /// The id of the container.
    package var id: String
    /// `start`, `die`, `health_status: healthy` …
    package var action: String
    /// Its name, image and labels, and attributes specific to the action.
    package var attributes: [String: String]

    package init(time: Int64, service: String, id: String, action: String, attributes: [String: String]) {
        self.time = time
        self.service = service
        self.id = id
        self.action = action
        self.attributes = attributes
    }
}

/// Selects events.
package struct EventsRequest: Codable, Hashable, Sendable {
    /// Empty means all.
    package var services: [String] = []
    /// Ids; empty means all containers of the services.
    package var containers: [String] = []
    /// Seconds since 1970: first send the stored events from then on.
    package var since: Double?
    /// Seconds since 1970: stop then.
    package var until: Double?

    package init() {}

    /// Converts seconds to the engine's nanoseconds, limited to their range.
    package static func nanoseconds(_ seconds: Double) -> Int64 { Int64(max(-9e18, min(9e18, seconds * 1e9))) }
}
