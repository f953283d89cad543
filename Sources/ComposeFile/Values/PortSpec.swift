/// The short form of a port: `[[IP:]HOST:]CONTAINER[/PROTOCOL]`.
package struct PortSpec: Hashable, Sendable {
    package var hostIP: String?
    package var target: UInt16
    package var published: String?
    package var transport: String

    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let message: String
        package var description: String { message }
    }

    /// The ports of one entry, a range expanded, ordered by the text of the container's port as docker compose does.
    package static func parse(_ text: String) throws(Failure) -> [PortSpec] {
        let parts = text.parts(at: UInt8(ascii: ":"))
        let (container, transport) = try container(parts[parts.count - 1])
        let host = parts.count > 1 ? parts[parts.count - 2] : ""
        let address = try address(parts.count > 2 ? parts.dropLast(2).joined(separator: ":") : "")
        let targets = try range(container, "container port")
        guard !host.isEmpty else {
            return inOrder(
                targets.map { PortSpec(hostIP: address, target: $0, published: nil, transport: transport) })
        }
        let published = try range(host, "host port")
        guard published.count == targets.count || targets.count == 1 else {
            throw Failure(
                message: "\(published.count) host ports (\(host)) for \(targets.count) container ports (\(container))")
        }
        if targets.count == 1 {
            let text =
                published.count == 1 ? "\(published.lowerBound)" : "\(published.lowerBound)-\(published.upperBound)"
            return [PortSpec(hostIP: address, target: targets.lowerBound, published: text, transport: transport)]
        }
        return inOrder(
            zip(targets, published).map {
                PortSpec(hostIP: address, target: $0, published: "\($1)", transport: transport)
            })
    }

    private static func inOrder(_ ports: [PortSpec]) -> [PortSpec] { ports.sorted { "\($0.target)" < "\($1.target)" } }

    private static func container(_ text: String) throws(Failure) -> (String, String) {
        let parts = text.parts(at: UInt8(ascii: "/"))
        guard let port = parts.first, !port.isEmpty else { throw Failure(message: "the container's port is missing") }
        let transport = parts.count > 1 && !parts[1].isEmpty ? parts[1].lowercased() : "tcp"
        guard transport == "tcp" || transport == "udp" || transport == "sctp" else {
            throw Failure(message: "the protocol '\(transport)' is none of tcp, udp and sctp")
        }
        return (port, transport)
    }

    private static func address(_ text: String) throws(Failure) -> String? {
        guard !text.isEmpty else { return nil }
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        guard IPAddress.isValid(bare) else { throw Failure(message: "'\(bare)' is no IP address") }
        return bare
    }

    private static func number(_ text: String) -> UInt16? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
    }

    private static func range(_ text: String, _ what: String) throws(Failure) -> ClosedRange<UInt16> {
        if let port = number(text) { return port...port }
        let ends = text.parts(at: UInt8(ascii: "-"))
        if ends.count == 2, let first = number(ends[0]), let last = number(ends[1]) {
            guard first <= last else { throw Failure(message: "the range '\(text)' runs backwards") }
            return first...last
        }
        throw Failure(message: "the \(what) '\(text)' is no number from 0 to 65535 and no range of them")
    }
}
