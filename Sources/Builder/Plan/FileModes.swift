/// A mode as `--chmod` writes it: octal, or `u=rwX,go=rX`.
struct FileModes: Hashable, Sendable {
    private enum Form: Hashable {
        case fixed(UInt32)
        case clauses([Clause])
    }

    private struct Clause: Hashable {
        /// Bits of those whom it is about: 0o700, 0o070, 0o007.
        var who: UInt32
        var operation: Character
        var bits: UInt32
        /// `X`: execution where it is a folder or somebody may execute it already.
        var executesIfSensible: Bool
        var special: UInt32
    }

    private let form: Form

    /// nil when it is no mode.
    init?(_ text: String) {
        if let number = UInt32(text, radix: 8), !text.hasPrefix("+"), !text.hasPrefix("-") {
            guard number <= 0o7777 else { return nil }
            form = .fixed(number)
            return
        }
        var clauses: [Clause] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let read = Self.clauses(part) else { return nil }
            clauses += read
        }
        guard !clauses.isEmpty else { return nil }
        form = .clauses(clauses)
    }

    private static func clauses(_ text: Substring) -> [Clause]? {
        var rest = text
        var who: UInt32 = 0
        while let character = rest.first, "ugoa".contains(character) {
            who |= ["u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777][character] ?? 0
            rest.removeFirst()
        }
        if who == 0 { who = 0o777 }
        var clauses: [Clause] = []
        while let operation = rest.popFirst() {
            guard "+-=".contains(operation) else { return nil }
            var clause = Clause(who: who, operation: operation, bits: 0, executesIfSensible: false, special: 0)
            while let character = rest.first, !"+-=".contains(character) {
                rest.removeFirst()
                switch character {
                case "r": clause.bits |= 0o444
                case "w": clause.bits |= 0o222
                case "x": clause.bits |= 0o111
                case "X": clause.executesIfSensible = true
                case "s": clause.special |= (who & 0o700 != 0 ? 0o4000 : 0) | (who & 0o070 != 0 ? 0o2000 : 0)
                case "t": clause.special |= 0o1000
                default: return nil
                }
            }
            clauses.append(clause)
        }
        return clauses.isEmpty ? nil : clauses
    }

    /// The new mode of a file or folder with `mode`.
    func applied(to mode: UInt32, isFolder: Bool) -> UInt32 {
        switch form {
        case .fixed(let number): return number
        case .clauses(let clauses):
            var mode = mode
            for clause in clauses {
                var bits = clause.bits
                if clause.executesIfSensible, isFolder || mode & 0o111 != 0 { bits |= 0o111 }
                bits &= clause.who
                switch clause.operation {
                case "+": mode |= bits | clause.special
                case "-": mode &= ~(bits | clause.special)
                default: mode = mode & ~clause.who | bits | clause.special
                }
            }
            return mode
        }
    }
}
