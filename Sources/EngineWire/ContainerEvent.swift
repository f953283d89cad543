/// `GET /v1/projects/NAME/events?request=…`: what happens to a project's containers, a line each.
package struct ContainerEvent: Codable, Hashable, Sendable {
    /// Nanoseconds since 1970.
    package var time: Int64
    package var service: String
    /// The container's.
    package var id: String
    /// `start`, `die`, `health_status: healthy` …
    package var action: String
    /// Its name, image and labels; what else belongs to the action.
    package var attributes: [String: String]

    package init(time: Int64, service: String, id: String, action: String, attributes: [String: String]) {
        self.time = time
        self.service = service
        self.id = id
        self.action = action
        self.attributes = attributes
    }
}

/// Which events are wanted.
package struct EventsRequest: Codable, Hashable, Sendable {
    /// Empty: all.
    package var services: [String] = []
    /// Ids; empty: all of the services.
    package var containers: [String] = []
    /// Seconds since 1970: what is kept of the time from then on comes first.
    package var since: Double?
    /// Seconds since 1970: they end then.
    package var until: Double?

    package init() {}

    /// The form of seconds that the engine counts in; what lies outside of it is its end.
    package static func nanoseconds(_ seconds: Double) -> Int64 { Int64(max(-9e18, min(9e18, seconds * 1e9))) }
}
