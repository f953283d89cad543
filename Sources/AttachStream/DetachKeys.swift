/// The keys with which a person detaches from a process that goes on: `ctrl-p,ctrl-q`, in the form of the docker command.
package struct DetachKeys: Hashable, Sendable {
    package let bytes: [UInt8]

    /// The default keys.
    package static let standard = DetachKeys(bytes: [16, 17])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads single characters, `ctrl-` with a letter or one of `@[\]^_`, and `DEL`, between commas; nil for anything else.
    package init?(_ text: String) {
        var bytes: [UInt8] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let byte = Self.byte(word) else { return nil }
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    private static func byte(_ word: Substring) -> UInt8? {
        if word.utf8.count == 1 { return word.utf8.first }
        if word == "DEL" { return 127 }
        guard word.hasPrefix("ctrl-"), word.utf8.count == 6, let last = word.utf8.last else { return nil }
        switch last {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "@")...UInt8(ascii: "_"): return last & 0x1F
        default: return nil
        }
    }
}

/// Filters the detach keys out of a person's input. Keys that may be the start of the sequence wait for the next ones.
package struct DetachKeyReader: Sendable {
    private let keys: [UInt8]
    /// Keys that have matched so far: always a start of the sequence.
    private var held: [UInt8] = []
    /// The sequence is complete. Everything after it is dropped.
    package private(set) var isComplete = false

    package init(_ keys: DetachKeys) { self.keys = keys.bytes }

    /// The part of `input`, and of keys that waited, to pass on now.
    package mutating func pass(_ input: some Sequence<UInt8>) -> [UInt8] {
        var passed: [UInt8] = []
        for byte in input where !isComplete {
            held.append(byte)
            while !held.isEmpty, !keys.starts(with: held) { passed.append(held.removeFirst()) }
            if held.count == keys.count { isComplete = true }
        }
        return passed
    }

    /// The keys that still wait, at the end of the input.
    package mutating func finish() -> [UInt8] {
        defer { held = [] }
        return isComplete ? [] : held
    }
}
