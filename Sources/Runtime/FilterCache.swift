import Glibc
import Linux
import OCI

/// A folder of compiled seccomp filters, one file for each profile, because compiling a filter takes longer than
/// everything else at a start.
package struct FilterCache: Sendable {
    private let folder: String?

    /// Creates `folder` if it is missing; nil compiles each time.
    package init(_ folder: String?) { self.folder = folder }

    /// The filter for `seccomp`, from the cache or compiled now. If the cache cannot be read or written, compiles.
    /// - Throws: `RuntimeFailure` for a profile that cannot be compiled.
    package func filter(for seccomp: RuntimeSpec.Seccomp) throws(RuntimeFailure) -> SeccompFilter {
        guard let folder, isTrustworthy(folder) else { return try SeccompCompiler.compile(seccomp) }
        let text = Self.canonical(seccomp)
        let path = "\(folder)/\(String(Self.hash(text), radix: 16)).bpf"
        if let bytes = try? readFile(path, limit: 1 << 20), let filter = Self.decode(bytes, for: text) { return filter }
        let filter = try SeccompCompiler.compile(seccomp)
        try? writeFileAtomically("\(path).\(getpid())", Self.encode(filter, for: text))
        rename("\(path).\(getpid())", path)
        return filter
    }

    /// Only a folder that nobody else can write to, because its files decide what containers may do.
    private func isTrustworthy(_ folder: String) -> Bool {
        try? makeFolders(folder, mode: 0o700)
        var status = stat()
        return stat(folder, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
    }

    /// Everything that the filter depends on, so that a file found by its hash can be compared in full.
    static func canonical(_ seccomp: RuntimeSpec.Seccomp) -> [UInt8] {
        var text: [UInt8] = []
        func add(_ string: String) {
            text.append(contentsOf: string.utf8)
            text.append(0)
        }
        add("berth filter 1")
        add("\(seccomp.defaultAction) \(seccomp.defaultErrnoRet ?? .max)")
        add((seccomp.architectures ?? []).joined(separator: " "))
        add((seccomp.flags ?? []).joined(separator: " "))
        for rule in seccomp.syscalls ?? [] {
            add("\(rule.action) \(rule.errnoRet ?? .max)")
            for name in rule.names { add(name) }
            for argument in rule.args ?? [] {
                add("\(argument.index) \(argument.op) \(argument.value) \(argument.valueTwo ?? 0)")
            }
        }
        return text
    }

    /// FNV-1a, 64 bits. It only has to distribute well, because the whole text is compared.
    private static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Length of the text, the text, flags, instructions; each number has eight bytes.
    private static func encode(_ filter: SeccompFilter, for text: [UInt8]) -> [UInt8] {
        var bytes = number(UInt64(text.count)) + text + number(filter.flags)
        for instruction in filter.instructions { bytes += number(instruction) }
        return bytes
    }

    private static func decode(_ bytes: [UInt8], for text: [UInt8]) -> SeccompFilter? {
        let start = 8 + text.count
        let words = (bytes.count - start) / 8
        guard words > 1, words - 1 <= SeccompFilter.limit, (bytes.count - start) % 8 == 0,
            bytes.starts(with: number(UInt64(text.count)) + text)
        else { return nil }
        return bytes.withUnsafeBytes { raw in
            func word(_ index: Int) -> UInt64 {
                UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
            }
            return SeccompFilter(instructions: (1..<words).map(word), flags: word(0))
        }
    }

    private static func number(_ value: UInt64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
