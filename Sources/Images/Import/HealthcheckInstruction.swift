import OCI

/// `HEALTHCHECK NONE`, or `HEALTHCHECK [--interval=30s …] CMD command`.
enum HealthcheckInstruction {
    static func parse(_ text: String, shell: [String]) throws(InstructionError) -> ImageConfig.Healthcheck {
        var check = ImageConfig.Healthcheck()
        var rest = text
        while rest.hasPrefix("--") {
            let flag = rest.prefix { !$0.isWhitespace }
            try set(flag, in: &check)
            rest = String(rest[flag.endIndex...]).trimmingBlanks()
        }
        let kind = InstructionText(rest)
        switch kind.keyword {
        case "NONE":
            guard kind.rest.isEmpty else { throw InstructionError("NONE takes no argument") }
            check.test = ["NONE"]
        case "CMD":
            guard !kind.rest.isEmpty else { throw InstructionError("CMD needs a command") }
            if let command = kind.execForm {
                guard !command.isEmpty else { throw InstructionError("CMD needs a command") }
                check.test = ["CMD"] + command
            } else {
                // CMD-SHELL means the default shell; any other shell must be written out.
                check.test = shell == ["/bin/sh", "-c"] ? ["CMD-SHELL", kind.rest] : ["CMD"] + shell + [kind.rest]
            }
        default: throw InstructionError("NONE or CMD is expected, not \"\(kind.keyword)\"")
        }
        return check
    }

    private static func set(_ flag: Substring, in check: inout ImageConfig.Healthcheck) throws(InstructionError) {
        let parts = flag.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw InstructionError("\(flag) needs a value (as \(flag)=…)")
        }
        let value = parts[1]
        switch parts[0] {
        case "interval": check.interval = try nanoseconds(value)
        case "timeout": check.timeout = try nanoseconds(value)
        case "start-period": check.startPeriod = try nanoseconds(value)
        case "start-interval": check.startInterval = try nanoseconds(value)
        case "retries":
            guard let count = Int(value), count >= 0 else { throw InstructionError("\"\(value)\" is not a count") }
            check.retries = count
        default:
            throw InstructionError(
                "unknown flag --\(parts[0]) (known: interval, timeout, start-period, start-interval, retries)")
        }
    }

    /// `1m30s`, `1.5s`, `200ms`: Go's durations, at least a millisecond or zero.
    static func nanoseconds(_ text: Substring) throws(InstructionError) -> Int64 {
        let wrong = InstructionError("\"\(text)\" is not a duration (as 30s, 1m30s, 500ms)")
        if text == "0" { return 0 }
        let units: [(String, Double)] = [
            ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
        ]
        var rest = text
        var total = 0.0
        repeat {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest[number.endIndex...]
            let name = rest.prefix { $0.isLetter || $0 == "µ" }
            rest = rest[name.endIndex...]
            guard let value = Double(number), let unit = units.first(where: { $0.0 == name }) else { throw wrong }
            total += value * unit.1
        } while !rest.isEmpty
        guard total < 9e18 else { throw wrong }
        guard total == 0 || total >= 1e6 else { throw InstructionError("\"\(text)\" is less than a millisecond") }
        return Int64(total)
    }
}
