import Addresses
import YAML

/// Addresses, host names and ports.
extension TextGrammar {
    /// `dns`.
    static let nameServer = TextGrammar { text in
        if text.isEmpty || IPAddress.isValid(withZone: text) { return nil }
        let message = "'\(text)' is not an IP address"
        if let bare = bareAddress(text) { return Fault(message, hint: "write the address alone: \(bare)") }
        let parts = text.split { $0 == "," || $0 == " " }
        if parts.count > 1, parts.allSatisfy({ IPAddress.isValid(String($0)) }) {
            return Fault(message, hint: "write a list: [\(parts.joined(separator: ", "))]")
        }
        return Fault(
            message,
            hint: looksNumeric(text)
                ? "an IPv4 address has four numbers from 0 to 255, as in 9.9.9.9"
                : "a name server is given by its address, as in 9.9.9.9; search domains belong under 'dns_search'")
    }

    /// `dns_search`: as in `/etc/resolv.conf`; one text may contain several.
    static let searchDomain = TextGrammar { text in
        guard let wrong = text.unicodeScalars.first(where: { isForeignToNames($0) && $0 != " " && $0 != "." }) else {
            return nil
        }
        let parts = text.split { $0 == "," || $0 == " " }
        return Fault(
            "'\(text)' is not a search domain: it cannot contain '\(wrong)'",
            hint: parts.count > 1 ? "write a list: [\(parts.joined(separator: ", "))]" : "write a domain: example.com")
    }

    /// `dns_opt`: the options in resolv.conf(5) of glibc and musl; both ignore others.
    static let resolverOption = TextGrammar { text in
        let name = text.prefix { $0 != ":" }
        if text.isEmpty || resolverOptions.contains(String(name)) { return nil }
        let word = String(text.prefix { $0 != ":" && $0 != "=" && $0 != " " })
        let meant = nearest(to: word, among: resolverOptions)
        let rest = text.dropFirst(word.count + 1)
        return Fault(
            "the resolver option '\(text)' is unknown and has no effect",
            hint: meant.map { "did you mean '\($0)\(rest.isEmpty ? "" : ":\(rest)")'?" }
                ?? "options are ndots:N, timeout:N, attempts:N, rotate, use-vc, edns0 and others of resolv.conf"
        ).harmless
    }

    private static let resolverOptions = [
        "debug", "ndots", "timeout", "attempts", "rotate", "no-check-names", "inet6", "ip6-bytestring", "ip6-dotint",
        "no-ip6-dotint", "edns0", "single-request", "single-request-reopen", "no-tld-query", "use-vc", "no-reload",
        "trust-ad", "no-aaaa", "strict-error",
    ]

    /// `ipv4_address`.
    static let ipv4 = TextGrammar { text in
        if text.isEmpty || IPAddress.isIPv4(text[...]) { return nil }
        return address(text, "IPv4 address", "172.28.0.10", isOther: IPAddress.isIPv6(text) ? "ipv6_address" : nil)
    }

    /// `ipv6_address`.
    static let ipv6 = TextGrammar { text in
        if text.isEmpty || IPAddress.isIPv6(text) { return nil }
        let isOther = IPAddress.isIPv4(text[...])
        return address(text, "IPv6 address", "2001:db8::10", isOther: isOther ? "ipv4_address" : nil)
    }

    /// An address of either family, for example a gateway.
    static let anyAddress = TextGrammar { text in
        if text.isEmpty || IPAddress.isValid(text) { return nil }
        return address(text, "IP address", "172.28.0.1", isOther: nil)
    }

    /// `host_ip`.
    static let hostAddress = TextGrammar { text in
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        if text.isEmpty || IPAddress.isValid(bare) { return nil }
        return Fault("'\(text)' is not an IP address", hint: hostAddressHint(text))
    }

    static func hostAddressHint(_ text: String) -> String {
        switch text.lowercased() {
        case "localhost": "write the address: 127.0.0.1"
        case "*", "all", "any": "leave it out for all addresses, or write 0.0.0.0"
        default: "write an address of this host, as in 127.0.0.1, or leave it out for all"
        }
    }

    private static func address(_ text: String, _ what: String, _ example: String, isOther: String?) -> Fault {
        let message = "'\(text)' is not a valid \(what)"
        if let isOther { return Fault(message, hint: "it belongs under '\(isOther)'") }
        if let bare = bareAddress(text) { return Fault(message, hint: "write the address alone: \(bare)") }
        return Fault(message, hint: "write it as in \(example)")
    }

    /// The address in `1.2.3.4/24` and `1.2.3.4:53`, without the rest.
    private static func bareAddress(_ text: String) -> Substring? {
        let bare = text.prefix { $0 != "/" && $0 != "#" }
        if bare.count < text.count, IPAddress.isValid(String(bare)) { return bare }
        let host = text.prefix { $0 != ":" }
        return host.count < text.count && IPAddress.isIPv4(host) ? host : nil
    }

    private static func looksNumeric(_ text: String) -> Bool { text.utf8.allSatisfy { $0.isDigit || $0 == 0x2E } }

    /// `subnet` and `ip_range`.
    static let subnet = TextGrammar { text in
        if text.isEmpty { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isIPv4 = IPAddress.isIPv4(parts[0])
        guard isIPv4 || IPAddress.isIPv6(String(parts[0])) else {
            return Fault(
                "'\(text)' is not a subnet", hint: "write an address and the length of its prefix: 172.28.0.0/16")
        }
        let most = isIPv4 ? 32 : 128
        if parts.count == 2, parts[1].isDigits, let length = Int(parts[1]), length <= most { return nil }
        let length = isIPv4 ? 16 : 64
        return Fault(
            parts.count == 1 ? "the subnet '\(text)' has no length" : "'\(text)' is not a subnet",
            hint: "write the number of bits after a '/': \(parts[0])/\(length)", at: parts.count > 1 ? parts[1] : nil)
    }

    /// `mac_address`, in the forms that Go accepts: `02:42:ac:11:00:02`, with dashes, or `0242.ac11.0002`.
    static let hardwareAddress = TextGrammar { text in
        if text.isEmpty { return nil }
        let digits = text.filter(\.isHexDigit)
        let marks = Set(text.filter { !$0.isHexDigit })
        let widths = Set(text.split(omittingEmptySubsequences: false) { !$0.isHexDigit }.map(\.count))
        if digits.count == 12, marks == ["."] ? widths == [4] : (marks == [":"] || marks == ["-"]) && widths == [2] {
            return nil
        }
        return Fault(
            "'\(text)' is not a hardware address", hint: "write six bytes in hexadecimal digits: 02:42:ac:11:00:02")
    }

    /// `hostname`.
    static let hostName = TextGrammar { host($0, "host name") }

    /// `domainname`.
    static let domainName = TextGrammar { host($0, "domain name") }

    /// The name of a container on a network.
    static let alias = TextGrammar { text in
        if text.isEmpty { return Fault("the alias is empty", hint: "remove it, or write a name") }
        return host(text, "host name")
    }

    static func host(_ text: String, _ what: String) -> Fault? {
        if text.utf8.allSatisfy({ $0.isAlphanumeric || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }) {
            guard text.utf8.count > 64 else { return nil }
            return Fault(
                "the \(what) '\(text.prefix(20))…' has \(text.utf8.count) characters, but at most 64 are allowed",
                hint: "shorten it")
        }
        guard let wrong = text.unicodeScalars.first(where: isForeignToNames) else { return nil }
        return Fault(
            "'\(text)' is not a \(what): it cannot contain \(shown(wrong))",
            hint: "use letters, digits, '-' and '.'" + (suggestion(text).map { ": \($0)" } ?? ""))
    }

    private static func suggestion(_ text: String) -> String? {
        let kept = text.unicodeScalars.map { isForeignToNames($0) ? "-" : Character($0) }
        let words = String(kept).split(separator: "-")
        return words.isEmpty || words.count > 8 ? nil : words.joined(separator: "-")
    }

    /// ASCII except letters, digits, `-`, `.` and `_`, and every kind of blank.
    private static func isForeignToNames(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return scalar.properties.isWhitespace }
        let byte = UInt8(truncatingIfNeeded: scalar.value)
        return !byte.isAlphanumeric && byte != 0x2D && byte != 0x2E && byte != 0x5F
    }

    static func shown(_ scalar: Unicode.Scalar) -> String {
        if scalar == " " { return "a space" }
        let isShown = scalar.value > 0x20 && scalar.value != 0x7F && !scalar.properties.isWhitespace
        return isShown ? "'\(scalar)'" : "U+" + hex(scalar.value)
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// An item of `expose`.
    static let exposedPort = TextGrammar { text in
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if text.contains(":"), let last = text.split(separator: ":").last {
            return Fault(
                "'\(text)' is not a port of the container",
                hint: "write \(last) alone, or \"\(text)\" under 'ports' to publish it")
        }
        if let fault = portRange(parts[0], "port", 1, "write a port of the container: 3000, 3000-3005 or 53/udp") {
            return fault
        }
        if parts.count == 1 || parts.count == 2 && transports.contains(parts[1].lowercased()) { return nil }
        return Fault(
            "the protocol '\(parts.dropFirst().joined(separator: "/"))' is not tcp, udp or sctp",
            hint: "write \(parts[0])/tcp, /udp or /sctp", at: parts[1])
    }

    /// `ports[].published`: a port or a range; with nothing or 0 the engine chooses.
    static let publishedPort = TextGrammar { text in
        text.isEmpty ? nil : portRange(text[...], "host port", 0, "write a port or a range: \"8080\", \"8080-8089\"")
    }

    private static func portRange(_ text: Substring, _ what: String, _ least: UInt16, _ hint: String) -> Fault? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.map { $0.isDigits ? UInt16($0) : nil }
        guard ends.count <= 2, let first = numbers[0], let last = numbers[ends.count - 1], first >= least else {
            return Fault(
                "the \(what) '\(text)' is not a number from \(least) to 65535 or a range", hint: hint, at: text)
        }
        if first <= last { return nil }
        return Fault("the range '\(text)' runs backwards", hint: "write \(last)-\(first)", at: text)
    }

    private static let transports = ["tcp", "udp", "sctp"]

    /// `ports[].protocol`.
    static let transport = TextGrammar { text in
        if text.isEmpty || transports.contains(text.lowercased()) { return nil }
        return Fault(
            "the protocol '\(text)' is not tcp, udp or sctp",
            hint: ["http", "https", "ws", "grpc"].contains(text.lowercased())
                ? "write tcp; '\(text)' is an 'app_protocol'"
                : nearest(to: text, among: transports).map { "did you mean '\($0)'?" } ?? "write tcp, udp or sctp")
    }
}
