/// Signals by name and number, in the forms of images, projects and people (signal(7); the numbers of x86-64 and
/// arm64).
package enum SignalName {
    package static let kill: Int32 = 9
    package static let terminate: Int32 = 15

    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]

    /// The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `SIGRTMAX-1`; nil for anything else.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let index = names.firstIndex(of: name) { return Int32(index + 1) }
        if name == "IOT" { return 6 }
        if name == "POLL" { return 29 }
        // The C library reserves the first two real-time signals.
        for (prefix, base) in [("RTMIN", Int32(34)), ("RTMAX", 64)] where name.hasPrefix(prefix) {
            let rest = name.dropFirst(5)
            guard let offset = rest.isEmpty ? 0 : Int32(rest), (34...64).contains(base + offset) else { return nil }
            return base + offset
        }
        return nil
    }

    /// `SIGTERM` for 15; `SIG70` for a number without a name.
    package static func name(_ number: Int32) -> String {
        if names.indices.contains(Int(number) - 1) { return "SIG\(names[Int(number) - 1])" }
        return (34...64).contains(number) ? "SIGRTMIN+\(number - 34)" : "SIG\(number)"
    }
}
