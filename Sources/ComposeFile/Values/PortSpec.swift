import Addresses

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

    /// The ports of one entry. Expands ranges, and sorts by the text of the container's port as docker compose does.
    package static func parse(_ text: String) throws(Failure) -> [PortSpec] {
        let parts = text.parts(at: UInt8(ascii: ":"))
        if text.utf8.first == UInt8(ascii: "["), let end = text.lastIndex(of: "]"),
            text[end...].dropFirst(2).contains(":") == false
        {
            throw Failure(message: "'\(text)' has an address and one port: the host's or the container's is missing")
        }
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
            throw Failure(message: "the protocol '\(transport)' is not tcp, udp or sctp")
        }
        return (port, transport)
    }

    private static func address(_ text: String) throws(Failure) -> String? {
        guard !text.isEmpty else { return nil }
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        guard IPAddress.isValid(bare) else { throw Failure(message: "'\(bare)' is not an IP address") }
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
        throw Failure(message: "the \(what) '\(text)' is not a number from 0 to 65535 or a range")
    }
}

extension PortSpec {
    /// What to write instead of a text that is not a port.
    package static func advice(_ text: String) -> String {
        let quotes = "\"'\u{201C}\u{201D}\u{201E}\u{2018}\u{2019}"
        let bare = text.filter { !quotes.contains($0) }
        if bare != text { return "a quote is part of the text: write \"\(bare)\", in plain quotes on both sides" }
        if let better = candidates(text).first(where: isRight) { return "write \"\(better)\"" }
        let parts = text.parts(at: UInt8(ascii: ":"))
        if parts.count == 3, parts[0].contains(where: \.isLetter), !text.contains("[") {
            return "an address stands there, not a name: \"127.0.0.1:\(parts[1]):\(parts[2])\""
        }
        if parts.count >= 2, text.contains("-") { return "give both ranges as many ports: \"8000-8002:80-82\"" }
        if text.contains("://") { return "write ports alone, without a scheme: \"8080:80\"" }
        if parts.contains(where: { $0.isDigits && UInt32($0).map { $0 > 65535 } ?? true }) {
            return "ports go from 0 to 65535: \"8080:80\""
        }
        return "the form is [[IP:]HOST:]CONTAINER[/PROTOCOL]: \"8080:80\""
    }

    private static func isRight(_ text: String) -> Bool { (try? parse(text)) != nil }

    /// What the user may have meant, the likeliest first.
    private static func candidates(_ text: String) -> [String] {
        let joined = text.replacing("->", with: ":").replacing("=>", with: ":").replacing("=", with: ":")
            .replacing(";", with: ":").replacing(" ", with: "")
        var found = [joined]
        var parts = joined.parts(at: UInt8(ascii: ":"))
        if let last = parts.last?.lowercased(), parts.count > 1, ["tcp", "udp", "sctp"].contains(last) {
            found.append(parts.dropLast().joined(separator: ":") + "/" + last)
        }
        if let slash = joined.lastIndex(of: "/"),
            ["http", "https", "ws", "any", "all", "both", "tpc"].contains(
                joined[joined.index(after: slash)...].lowercased())
        {
            found.append(joined[..<slash] + "/tcp")
        }
        if parts[0] == "localhost" || parts[0] == "*" {
            parts[0] = parts[0] == "*" ? "0.0.0.0" : "127.0.0.1"
            if parts.count == 2 { parts.insert(parts[1].parts(at: UInt8(ascii: "/"))[0], at: 1) }
            found.append(parts.joined(separator: ":"))
        } else if parts.count == 2, IPAddress.isIPv4(parts[0][...]) {
            found.append("\(parts[0]):\(parts[1].parts(at: UInt8(ascii: "/"))[0]):\(parts[1])")
        }
        if parts.count == 3, parts.allSatisfy({ $0.parts(at: UInt8(ascii: "/"))[0].isDigits }) {
            found.append("\(parts[0]):\(parts[2])")
        }
        if parts.count == 2, !parts[0].contains(where: \.isNumber), parts[1].isDigits {
            found.append("\(parts[1]):\(parts[1])")
        }
        if joined.hasPrefix("["), let end = joined.firstIndex(of: "]") {
            let rest = joined[joined.index(after: end)...].dropFirst()
            if !rest.contains(":") { found.append("\(joined[...end]):\(rest.prefix { $0 != "/" }):\(rest)") }
        }
        let ends = joined.parts(at: UInt8(ascii: ":")).map { range -> String in
            let ends = range.split(separator: "-")
            guard ends.count == 2, let first = UInt16(ends[0]), let last = UInt16(ends[1]), first > last else {
                return range
            }
            return "\(last)-\(first)"
        }
        found.append(ends.joined(separator: ":"))
        return found.filter { $0 != text }
    }
}
