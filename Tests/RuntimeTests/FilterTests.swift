import Glibc
import Linux
import OCI
import Runtime
import Testing

@Suite struct FilterTests {
    struct Call: Sendable, CustomStringConvertible {
        let name: String
        let number: UInt32
        var arguments: [UInt64] = []
        let answer: UInt32
        var description: String { name }
    }

    private static let allow: UInt32 = 0x7FFF_0000
    private static func error(_ code: CInt) -> UInt32 { 0x5_0000 | UInt32(code) }

    #if arch(x86_64)
        @Test(arguments: [
            Call(name: "read", number: 0, answer: allow),
            Call(name: "execve", number: 59, answer: allow),
            Call(name: "fchmodat2, younger than libseccomp", number: 452, answer: allow),
            Call(name: "a call that does not exist yet", number: 600, answer: error(ENOSYS)),
            Call(name: "clone3", number: 435, answer: error(ENOSYS)),
            Call(name: "clone of a thread", number: 56, arguments: [0x3D_0F00], answer: allow),
            Call(name: "clone with a user namespace", number: 56, arguments: [0x1000_0000], answer: error(EPERM)),
            Call(name: "unshare", number: 272, answer: error(EPERM)),
            Call(name: "mount", number: 165, answer: error(EPERM)),
            Call(name: "bpf", number: 321, answer: error(EPERM)),
            Call(name: "keyctl", number: 250, answer: error(EPERM)),
            Call(name: "io_uring_setup", number: 425, answer: error(EPERM)),
            Call(name: "open_by_handle_at", number: 304, answer: error(EPERM)),
            Call(name: "socket(AF_INET)", number: 41, arguments: [2], answer: allow),
            Call(name: "socket(AF_VSOCK)", number: 41, arguments: [40], answer: error(EPERM)),
            Call(name: "socket(AF_ALG)", number: 41, arguments: [38], answer: error(EPERM)),
        ])
        func theDefaultProfileAnswers(the: Call) throws {
            let filter = try SeccompCompiler.compile(
                DefaultProfile.seccomp(capabilities: DefaultProfile.capabilities))
            #expect(Self.evaluate(filter.instructions, the) == the.answer)
        }
    #endif

    @Test func aCapabilityBringsItsCalls() {
        let names = { (capabilities: [String]) in
            Set(DefaultProfile.seccomp(capabilities: capabilities).syscalls?.flatMap(\.names) ?? [])
        }
        #expect(!names([]).contains("mount") && !names([]).contains("chroot"))
        #expect(names(["CAP_SYS_ADMIN"]).isSuperset(of: ["mount", "setns", "clone3"]))
        #expect(names(["CAP_SYS_CHROOT"]).contains("chroot"))
    }

    @Test(arguments: ["SCMP_ACT_NOSUCH", "SCMP_ACT_NOTIFY", ""])
    func anUnknownActionIsRefused(action: String) {
        #expect(throws: RuntimeFailure.self) {
            try SeccompCompiler.compile(RuntimeSpec.Seccomp(defaultAction: action))
        }
    }

    @Test func aFilterIsCompiledOnceAndOnlyTrustedForItsOwnProfile() throws {
        try withFolder { folder in
            let profile = DefaultProfile.seccomp(capabilities: [])
            let compiled = try FilterCache(folder).filter(for: profile)
            let files = try folderEntries(folder)
            let file = try #require(files.first)
            #expect(files.count == 1)
            // Marked, so that it can be told where the answer came from.
            var bytes = try readFile("\(folder)/\(file)")
            bytes[bytes.count - 4] ^= 1
            try writeFileAtomically("\(folder)/\(file)", bytes)
            #expect(try FilterCache(folder).filter(for: profile) != compiled)
            // The same name with another profile's text inside is not believed.
            bytes[20] ^= 1
            try writeFileAtomically("\(folder)/\(file)", bytes)
            #expect(try FilterCache(folder).filter(for: profile) == compiled)
            // Neither is a folder that others can write to.
            chmod(folder, 0o777)
            try writeFileAtomically("\(folder)/\(file)", Array("x".utf8))
            #expect(try FilterCache(folder).filter(for: profile) == compiled)
            #expect(try readText("\(folder)/\(file)") == "x")
        }
    }

    /// Runs classic BPF over the struct seccomp_data of a call, as the kernel does.
    private static func evaluate(_ program: [UInt64], _ call: Call) -> UInt32 {
        var data = [UInt32](repeating: 0, count: 16)
        data[0] = call.number
        data[1] = 0xC000_003E
        for (index, argument) in call.arguments.enumerated() {
            data[4 + index * 2] = UInt32(truncatingIfNeeded: argument)
            data[5 + index * 2] = UInt32(truncatingIfNeeded: argument >> 32)
        }
        var accumulator: UInt32 = 0
        var at = 0
        while program.indices.contains(at) {
            let code = UInt16(truncatingIfNeeded: program[at])
            let value = UInt32(truncatingIfNeeded: program[at] >> 32)
            let isTrue: Bool
            switch code {
            case 0x20:
                accumulator = data[Int(value) / 4]
                at += 1
                continue
            case 0x54:
                accumulator &= value
                at += 1
                continue
            case 0x06: return value
            case 0x05:
                at += 1 + Int(value)
                continue
            case 0x15: isTrue = accumulator == value
            case 0x25: isTrue = accumulator > value
            case 0x35: isTrue = accumulator >= value
            default: return 0xDEAD
            }
            at += 1 + Int(isTrue ? program[at] >> 16 & 0xFF : program[at] >> 24 & 0xFF)
        }
        return 0xDEAD
    }
}
