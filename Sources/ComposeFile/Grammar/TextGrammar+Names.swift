import YAML

/// Names of containers, volumes, users and signals.
extension TextGrammar {
    /// `container_name`. Docker's API writes it with a slash.
    static let containerName = TextGrammar { text in
        let name = text.hasPrefix("/") ? text.dropFirst() : text[...]
        // The pattern has already refused a name that is too short.
        if isName(name) || !TextPattern.containerName.matches(text) { return nil }
        return unnamed(text, "container name")
    }

    /// `volumes.*.name`.
    static let volumeName = TextGrammar { text in
        text.isEmpty || isName(text[...]) ? nil : unnamed(text, "volume name")
    }

    /// A letter or digit, then letters, digits, `_`, `.` and `-`.
    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first.isAlphanumeric else { return false }
        return text.utf8.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte == 0x2E || byte == 0x5F || byte == 0x2D
    }

    private static func unnamed(_ text: String, _ what: String) -> Fault {
        let parts = text.utf8.split { !isNameByte($0) }.map { String(decoding: $0, as: UTF8.self) }
        let name = String(parts.joined(separator: "-").drop { !$0.isLetter && !$0.isNumber })
        let wrong = text.unicodeScalars.first { !$0.isASCII || !isNameByte(UInt8(truncatingIfNeeded: $0.value)) }
        return Fault(
            "'\(text)' is not a \(what)" + (wrong.map { ": it cannot contain \(shown($0))" } ?? ""),
            hint: "use letters, digits, '_', '.' and '-', a letter or digit first"
                + (name.isEmpty ? "" : ": \(name)"))
    }

    /// `user`, `USER[:GROUP]`.
    static let user = TextGrammar { text in
        guard let byte = text.utf8.first(where: { $0.isBlankOrControl || $0 == 0x24 }) else { return userNumber(text) }
        if byte == 0x24 || text.contains("$(") || text.contains("`") {
            return Fault(
                "'\(text)' is not a user: no shell expands it",
                hint: "write numbers, or \"${UID}:${GID}\" and set both in .env")
        }
        return Fault(
            "'\(text)' is not a user: it cannot contain a space",
            hint: "write a name or number, with a group after ':' if it matters: 1000:1000")
    }

    private static func userNumber(_ text: String) -> Fault? {
        for part in text.split(separator: ":", maxSplits: 1) {
            let digits = part.hasPrefix("-") ? part.dropFirst() : part
            guard digits.isDigits else { continue }
            if part.hasPrefix("-") || Int32(digits) == nil {
                return Fault(
                    "'\(part)' is not the number of a user or group",
                    hint: "write a number from 0 to 2147483647: 1000:1000", at: part)
            }
        }
        return nil
    }

    /// An item of `group_add`.
    static let group = TextGrammar { text in
        if text.isEmpty { return Fault("the group is empty", hint: "remove it, or write a name or number") }
        if !text.utf8.contains(where: { $0.isBlankOrControl || $0 == 0x3A || $0 == 0x2C }) { return userNumber(text) }
        let parts = text.split { $0 == "," || $0 == " " || $0 == ":" }
        return Fault(
            "'\(text)' is not a group",
            hint: parts.count > 1
                ? "write each as an item of its own: [\(parts.joined(separator: ", "))]" : "write a name or number")
    }

    /// The number of a secret's owner.
    static let ownerNumber = TextGrammar { text in
        if text.isEmpty || text.isDigits && UInt32(text) != nil { return nil }
        // docker compose ignores this: what it mounts belongs to the owner of the file.
        return Fault(
            "'\(text)' is not the number of a user or group: it is ignored", hint: "write its number, quoted: \"1000\""
        ).harmless
    }

    /// `stop_signal`: a name of signal(7), with or without `SIG`, or a number.
    static let signal = TextGrammar { text in
        if text.isEmpty { return nil }
        if text.isDigits {
            if let number = Int(text), (1...64).contains(number) { return nil }
            return Fault("'\(text)' is not a signal", hint: "write a number from 1 to 64, or a name: SIGTERM")
        }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if signals.contains(name) || isRealTime(name) { return nil }
        return Fault(
            "'\(text)' is not a signal",
            hint: nearest(to: name, among: signals).map { "did you mean 'SIG\($0)'?" }
                ?? "write a name or number of a signal: SIGTERM, SIGINT, SIGQUIT")
    }

    private static let signals = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "IOT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM", "TERM", "STKFLT", "CHLD", "CLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
        "VTALRM", "PROF", "WINCH", "IO", "POLL", "PWR", "SYS", "UNUSED",
    ]

    /// `RTMIN`, `RTMIN+3`, `RTMAX-1`.
    private static func isRealTime(_ name: String) -> Bool {
        if name == "RTMIN" || name == "RTMAX" { return true }
        let number = name.dropFirst(6)
        guard name.hasPrefix("RTMIN+") || name.hasPrefix("RTMAX-") else { return false }
        return number.isDigits && Int(number).map { $0 <= 30 } ?? false
    }

    /// `cpuset`: `0-2,4`.
    static let cpuSet = TextGrammar { text in
        for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
            let numbers = ends.compactMap { $0.isDigits ? Int($0) : nil }
            guard numbers.count == ends.count, (1...2).contains(ends.count), let first = numbers.first,
                let last = numbers.last
            else {
                return Fault(
                    "'\(part)' is not a CPU or a range of CPUs", hint: "write numbers from 0 and ranges: 0-2,4",
                    at: part)
            }
            if first > last {
                return Fault("the range '\(part)' runs backwards", hint: "write \(last)-\(first)", at: part)
            }
        }
        return nil
    }

    /// `platform`: `OS[/ARCHITECTURE[/VARIANT]]`, or only an architecture.
    static let platform = TextGrammar { text in
        if text.isEmpty { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        let message = "'\(text)' is not a platform"
        let joined = text.lowercased().split { "-:_ ".contains($0) }.joined(separator: "/")
        let isWord = { (part: String) in
            !part.isEmpty && part.utf8.allSatisfy { $0.isAlphanumeric || ".-_".utf8.contains($0) }
        }
        if parts.count == 1 {
            if systems.contains(parts[0]) || architectures.contains(parts[0]) { return nil }
            if let first = joined.split(separator: "/").first, systems.contains(String(first)), joined.contains("/") {
                return Fault(message, hint: "write \(joined)")
            }
            return Fault(
                message,
                hint: nearest(to: parts[0], among: architectures).map { "did you mean 'linux/\($0)'?" }
                    ?? "write a system and an architecture: linux/amd64, linux/arm64")
        }
        guard parts.count <= 3, parts.allSatisfy(isWord) else {
            return Fault(message, hint: "write a system and an architecture: linux/amd64, linux/arm64")
        }
        if !systems.contains(parts[0]), let meant = nearest(to: parts[0], among: systems) {
            return Fault(message, hint: "did you mean '\(meant)/\(parts[1])'?")
        }
        if architectures.contains(parts[1]) { return nil }
        return nearest(to: parts[1], among: architectures).map {
            Fault(message, hint: "did you mean '\(parts[0])/\($0)'?")
        }
    }

    private static let systems = [
        "linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "android", "wasip1", "js", "solaris", "illumos",
        "aix", "plan9", "zos", "dragonfly", "ios", "macos", "unknown", "wasi",
    ]
    private static let architectures = [
        "amd64", "x86_64", "x86-64", "arm64", "aarch64", "arm", "armhf", "armel", "386", "i386", "ppc64le", "ppc64",
        "s390x", "riscv64", "mips", "mipsle", "mips64", "mips64le", "loong64", "wasm", "unknown",
    ]
}
