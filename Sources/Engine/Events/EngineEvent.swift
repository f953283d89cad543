/// Something that happened to an object of the engine, in dockerd's vocabulary.
package struct EngineEvent: Hashable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Hashable, Sendable {
        case container, image, volume, network, builder, daemon
    }

    package var kind: Kind
    /// `start`, `die`, `health_status: healthy` …
    package var action: String
    /// The object's id; for a volume its name, for an image its reference or id.
    package var id: String
    /// A container's labels, image and name, and attributes specific to the action.
    package var attributes: [String: String]
    /// Nanoseconds since 1970.
    package var time: Int64

    package init(_ kind: Kind, _ action: String, id: String, attributes: [String: String] = [:], time: Int64) {
        self.kind = kind
        self.action = action
        self.id = id
        self.attributes = attributes
        self.time = time
    }
}
