/// A step into a JSON value: into a member of an object, or an item of an array.
package enum JSONStep: Hashable, Sendable {
    case key(String)
    case index(Int)

    /// `pools[1].size`
    package static func text(_ steps: [JSONStep]) -> String {
        steps.reduce("") { text, step in
            switch step {
            case .key(let key): text.isEmpty ? key : "\(text).\(key)"
            case .index(let index): "\(text)[\(index)]"
            }
        }
    }
}

/// A place in a JSON text, for a person; counted from 1, the column in characters (Unicode scalars).
package struct JSONPlace: Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let column: Int

    package var description: String { "\(line):\(column)" }

    /// The place of a byte, or of the end when there are fewer bytes.
    package init(of offset: Int, in bytes: [UInt8]) {
        let before = bytes.prefix(max(0, offset))
        line = before.count { $0 == 0x0A } + 1
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
    }

    /// The place of the value that `steps` lead to, in a valid text; if `steps` lead too far, of the last value on the
    /// way.
    package init(ofValueAt steps: [JSONStep], in bytes: [UInt8]) {
        var finder = JSONFinder(bytes: bytes)
        self.init(of: finder.find(steps[...]).value, in: bytes)
    }

    /// The place of the key of the member that `steps` lead to.
    package init(ofKeyAt steps: [JSONStep], in bytes: [UInt8]) {
        var finder = JSONFinder(bytes: bytes)
        self.init(of: finder.find(steps[...]).key, in: bytes)
    }
}

/// Walks through a text that is known to be valid JSON.
private struct JSONFinder {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Offsets of the value, and of the key before it (of the value itself if it has no key).
    mutating func find(_ steps: ArraySlice<JSONStep>) -> (key: Int, value: Int) {
        skipSpace()
        var key = position
        for step in steps {
            let start = (key, position)
            switch step {
            case .key(let name):
                guard let found = enter(member: name) else { return start }
                key = found
            case .index(let index):
                guard enter(item: index) else { return start }
                key = position
            }
        }
        return (key, position)
    }

    /// Moves to the value of a member and returns the offset of its key.
    private mutating func enter(member name: String) -> Int? {
        guard take(UInt8(ascii: "{")) else { return nil }
        while current == UInt8(ascii: "\"") {
            let key = position
            skipString()
            let text = try? JSONValue(parsing: bytes[key..<position]).string
            _ = take(UInt8(ascii: ":"))
            skipSpace()
            if text == name { return key }
            skipValue()
            guard take(UInt8(ascii: ",")) else { return nil }
            skipSpace()
        }
        return nil
    }

    private mutating func enter(item index: Int) -> Bool {
        guard take(UInt8(ascii: "[")), current != UInt8(ascii: "]") else { return false }
        for _ in 0..<index {
            skipValue()
            guard take(UInt8(ascii: ",")) else { return false }
            skipSpace()
        }
        return true
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard current == byte else { return false }
        position += 1
        skipSpace()
        return true
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func skipString() {
        position += 1
        while let byte = current, byte != UInt8(ascii: "\"") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
        position += 1
    }

    /// Moves past a value of any kind.
    private mutating func skipValue() {
        var depth = 0
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                skipString()
                if depth == 0 { return }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
                if depth == 0 {
                    position += 1
                    return
                }
            case UInt8(ascii: ","): if depth == 0 { return }
            default: break
            }
            position += 1
        }
    }
}
