/// A signal as people write it: `SIGTERM`, `term`, `15`.
package struct SignalName: Hashable, Sendable {
    /// As in signal(7) on x86-64 and arm64.
    package let number: Int

    package static let kill = SignalName(number: 9)
    package static let terminate = SignalName(number: 15)

    private init(number: Int) { self.number = number }

    /// nil unless `text` is a known name or a number from 1 to 64.
    package init?(_ text: String) {
        if let number = Int(text) {
            guard (1...64).contains(number) else { return nil }
            self.number = number
            return
        }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let index = Self.names.firstIndex(of: name) {
            number = index + 1
            return
        }
        // Real-time signals, counted from either end; the C library keeps 32 and 33 for itself.
        if name.hasPrefix("RTMIN"), let offset = Self.offset(name.dropFirst(5), sign: "+") {
            number = 34 + offset
        } else if name.hasPrefix("RTMAX"), let offset = Self.offset(name.dropFirst(5), sign: "-") {
            number = 64 - offset
        } else {
            return nil
        }
    }

    private static func offset(_ text: Substring, sign: Character) -> Int? {
        if text.isEmpty { return 0 }
        guard text.first == sign, let offset = Int(text.dropFirst()), (0...30).contains(offset) else { return nil }
        return offset
    }

    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM",
        "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",
        "IO",
        "PWR", "SYS",
    ]

    /// The name without `SIG`, or the number.
    package var name: String {
        Self.names.indices.contains(number - 1) ? Self.names[number - 1] : "\(number)"
    }
}
