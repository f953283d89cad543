/// A program format that the kernel passes to an interpreter, as registered in /proc/sys/fs/binfmt_misc (kernel
/// documentation, admin-guide/binfmt-misc).
package struct BinaryFormat: Hashable, Sendable {
    /// The interpreter was opened at registration, so it is found whatever root the program has.
    package let isFixed: Bool
    private let offset: Int
    private let magic: [UInt8]
    private let mask: [UInt8]

    /// nil for a disabled format, and for one that is recognised by file name extensions.
    package init?(_ text: String) {
        var fields: [Substring: Substring] = [:]
        var isEnabled = false
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            if line == "enabled" { isEnabled = true }
            if words.count == 2 { fields[words[0]] = words[1] }
        }
        guard isEnabled, let magic = fields["magic"].flatMap(Self.bytes) else { return nil }
        self.magic = magic
        mask = fields["mask"].flatMap(Self.bytes) ?? []
        offset = fields["offset"].flatMap { Int($0) } ?? 0
        isFixed = fields["flags:"]?.contains("F") == true
    }

    private static func bytes(_ hex: Substring) -> [UInt8]? {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Whether a program that begins with these bytes has this format.
    package func takes(_ beginning: [UInt8]) -> Bool {
        magic.indices.allSatisfy { place in
            let bits = mask.indices.contains(place) ? mask[place] : 0xFF
            let byte = beginning.indices.contains(offset + place) ? beginning[offset + place] : 0
            return byte & bits == magic[place] & bits
        }
    }

    /// The registered formats; empty if the kernel or this mount namespace has no binfmt_misc.
    package static func known(in folder: String = "/proc/sys/fs/binfmt_misc") -> [BinaryFormat] {
        ((try? folderEntries(folder)) ?? []).filter { $0 != "register" && $0 != "status" }.compactMap { name in
            (try? readText("\(folder)/\(name)")).flatMap { BinaryFormat($0) }
        }
    }

    /// The first bytes of a program for a processor (elf(5)); nil for an unknown processor. The names are those of
    /// image platforms.
    package static func programBeginning(for architecture: String) -> [UInt8]? {
        let machines: [String: (bits: UInt8, isLittle: Bool, machine: UInt16)] = [
            "386": (32, true, 3), "amd64": (64, true, 62), "arm": (32, true, 40), "arm64": (64, true, 183),
            "loong64": (64, true, 258), "mips": (32, false, 8), "mips64": (64, false, 8), "mips64le": (64, true, 8),
            "mipsle": (32, true, 8), "ppc64": (64, false, 21), "ppc64le": (64, true, 21), "riscv64": (64, true, 243),
            "s390x": (64, false, 22),
        ]
        guard let (bits, isLittle, machine) = machines[architecture] else { return nil }
        func two(_ value: UInt16) -> [UInt8] {
            let bytes = [UInt8(value & 0xFF), UInt8(value >> 8)]
            return isLittle ? bytes : bytes.reversed()
        }
        let identity: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, bits == 64 ? 2 : 1, isLittle ? 1 : 2, 1]
        let padding = [UInt8](repeating: 0, count: 16 - identity.count)
        return identity + padding + two(2) + two(machine)
    }
}
