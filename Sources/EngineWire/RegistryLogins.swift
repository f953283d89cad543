/// A caller's logins for registries: host to `user:password` in base64, as in a Docker configuration (the user
/// `<token>` marks an identity token).
///
/// Sent with a request, used for it and dropped: never stored, never shown. Printing it shows only their number.
package struct RegistryLogins: Codable, Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var encoded: [String: String]

    package init(_ encoded: [String: String] = [:]) { self.encoded = encoded }

    package init(from decoder: any Decoder) throws {
        encoded = try decoder.singleValueContainer().decode([String: String].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(encoded)
    }

    package var isEmpty: Bool { encoded.isEmpty }
    package var description: String { "logins at \(encoded.count) registries" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
