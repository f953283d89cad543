import Addresses
import YAML

/// An entry of `extra_hosts`: a host name and an address, or `host-gateway`.
enum ExtraHostText {
    static func fault(_ host: String, _ address: String) -> TextGrammar.Fault? {
        if let fault = TextGrammar.host(host, "host name") { return fault }
        if address == "host-gateway" || IPAddress.isValid(withZone: address) { return nil }
        let message = "'\(address)' is not an IP address"
        if IPAddress.isValid(host) {
            return TextGrammar.Fault(message, hint: "the name comes first: \"\(address)=\(host)\"")
        }
        if nearest(to: address, among: ["host-gateway"]) != nil || ["gateway", "host"].contains(address) {
            return TextGrammar.Fault(message, hint: "did you mean 'host-gateway'?", at: address)
        }
        if address == "localhost" {
            return TextGrammar.Fault(
                message, hint: "write an address: \"\(host)=127.0.0.1\", or host-gateway for this machine", at: address)
        }
        let isNumeric = address.utf8.allSatisfy { $0.isDigit || $0 == 0x2E }
        return TextGrammar.Fault(
            message,
            hint: isNumeric
                ? "an IPv4 address has four numbers from 0 to 255: \"\(host)=10.0.0.3\""
                : "write an address, not a name: \"\(host)=10.0.0.3\", or \(host)=host-gateway for this machine",
            at: address)
    }

    /// What to write instead of a text without a name and an address.
    static func advice(_ text: String) -> String {
        let words = text.split { $0 == " " || $0 == "\t" || $0 == ">" || $0 == "-" && !text.contains("host-") }
        if words.count == 2 {
            let (first, second) = (String(words[0]), String(words[1]))
            if IPAddress.isValid(first) { return "write \"\(second)=\(first)\"" }
            if IPAddress.isValid(second) { return "write \"\(first)=\(second)\"" }
        }
        let name = text.prefix { $0 != "=" && $0 != ":" && $0 != " " }
        return "write a name and an address: \"\(name.isEmpty ? "db" : name)=10.0.0.3\""
    }
}
