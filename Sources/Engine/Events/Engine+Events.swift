import EngineWire

/// Sends events to listeners.
extension Engine {
    /// First the stored events from `since` on, then new ones, up to `until` if given. Times are nanoseconds since 1970.
    package nonisolated func events(since: Int64?, until: Int64? = nil) -> AsyncStream<EngineEvent> {
        parts.inventory.events.events(since: since, until: until)
    }

    /// Events of the containers of a project's services. Includes one-offs only if they are named.
    package nonisolated func events(of project: String, _ request: EventsRequest) -> AsyncStream<ContainerEvent> {
        let events = events(
            since: request.since.map(EventsRequest.nanoseconds), until: request.until.map(EventsRequest.nanoseconds))
        return AsyncStream {
            for await event in events {
                if let line = ContainerEvent(event, of: project, request) { return line }
            }
            return nil
        }
    }
}

extension ContainerEvent {
    /// The labels that identify a container's project. Events leave them out.
    private static let prefix = "com.docker.compose."

    /// nil for an event that the request does not select.
    package init?(_ event: EngineEvent, of project: String, _ request: EventsRequest) {
        let own = event.attributes
        guard event.kind == .container, own[Self.prefix + "project"] == project,
            let service = own[Self.prefix + "service"]
        else { return nil }
        let isNamed = request.containers.contains(event.id)
        guard isNamed || request.services.contains(service) || request.services.isEmpty && request.containers.isEmpty
        else { return nil }
        if own[Self.prefix + "oneoff"] == "True", !isNamed { return nil }
        self.init(
            time: event.time, service: service, id: event.id, action: event.action,
            attributes: own.filter { !$0.key.hasPrefix(Self.prefix) })
    }
}
