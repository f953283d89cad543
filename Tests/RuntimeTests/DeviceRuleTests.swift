import Glibc
import Linux
import OCI
import Runtime
import Testing

@Suite struct DeviceRuleTests {
    struct Access: Sendable, CustomStringConvertible {
        let device: String
        let access: String
        let isAllowed: Bool
        var description: String { "\(device) \(access)" }
    }

    private static let rules = [
        RuntimeSpec.DeviceRule(allow: false, access: "rwm"),
        RuntimeSpec.DeviceRule(allow: true, type: "b", major: 8, access: "r"),
        RuntimeSpec.DeviceRule(allow: true, type: "c", major: 10, minor: 200, access: "rwm"),
        RuntimeSpec.DeviceRule(allow: false, type: "b", major: 8, minor: 1, access: "r"),
    ]

    @Test(arguments: [
        Access(device: "c 1:3", access: "rw", isAllowed: true), Access(device: "c 1:1", access: "r", isAllowed: false),
        Access(device: "c 1:1", access: "m", isAllowed: true), Access(device: "b 8:0", access: "r", isAllowed: true),
        Access(device: "b 8:0", access: "w", isAllowed: false), Access(device: "b 8:0", access: "rw", isAllowed: false),
        Access(device: "b 8:1", access: "r", isAllowed: false), Access(device: "c 8:0", access: "r", isAllowed: false),
        Access(device: "c 10:200", access: "rwm", isAllowed: true),
        Access(device: "c 10:201", access: "r", isAllowed: false),
        Access(device: "c 136:7", access: "rw", isAllowed: true),
        Access(device: "c 5:1", access: "rw", isAllowed: true),
    ])
    func theLastRuleThatMatchesDecides(the: Access) throws {
        let program = DeviceRules.program(DeviceRules.complete(Self.rules))
        #expect(try Self.evaluate(program, the) == the.isAllowed)
    }

    @Test func rulesAreWrittenAsTheFirstVersionTakesThem() {
        #expect(
            Self.rules.map(DeviceRules.line) == ["a", "b 8:* r", "c 10:200 rwm", "b 8:1 r"])
    }

    /// The kernel itself verifies the program and runs it, on a cgroup v2 of its own.
    @Test(.enabled(if: geteuid() == 0 && unified != nil))
    func theKernelRunsTheProgram() throws {
        let mount = try #require(Self.unified)
        let folder = "\(mount.mountpoint)/berth-test-devices-\(getpid())"
        let cgroup = try Cgroup.make(
            "/berth-test-devices-\(getpid())", mounts: CgroupMounts(mounts: [mount]))
        defer { try? cgroup.remove() }
        var resources = RuntimeSpec.Resources()
        resources.devices = [RuntimeSpec.DeviceRule(allow: true, type: "c", major: 1, minor: 1, access: "m")]
        try cgroup.apply(resources)
        let script = """
            echo $$ > \(folder)/cgroup.procs; head -c1 /dev/zero > /dev/null && echo zero
            head -c1 /dev/kmsg > /dev/null 2>&1 || echo no kmsg
            """
        let result = try run("/bin/sh", ["-c", script])
        #expect(result.output == "zero\nno kmsg\n")
    }

    static let unified = (try? CgroupMounts.current())?.mounts.first { $0.isUnified }

    /// Runs eBPF over a struct bpf_cgroup_dev_ctx; only the instructions that such a program has.
    private static func evaluate(_ program: [UInt64], _ the: Access) throws -> Bool {
        let parts = the.device.split { $0 == " " || $0 == ":" }
        let access = the.access.reduce(0) { $0 | ($1 == "m" ? 1 : $1 == "r" ? 2 : 4) }
        let type: Int64 = parts[0] == "b" ? 1 : 2
        let context = [Int64(access) << 16 | type, try #require(Int64(parts[1])), try #require(Int64(parts[2]))]
        var registers = [Int64](repeating: 0, count: 11)
        var at = 0
        while program.indices.contains(at) {
            let word = program[at]
            let to = Int(word >> 8 & 15)
            let from = Int(word >> 12 & 15)
            let offset = Int(word >> 16 & 0xFFFF)
            let value = Int64(Int32(truncatingIfNeeded: word >> 32))
            at += 1
            switch word & 0xFF {
            case 0x61: registers[to] = context[offset / 4]
            case 0xBF: registers[to] = registers[from]
            case 0x57: registers[to] &= value
            case 0x77: registers[to] >>= value
            case 0xB7: registers[to] = value
            case 0x55: at += registers[to] != value ? offset : 0
            case 0x15: at += registers[to] == value ? offset : 0
            case 0x95: return registers[0] == 1
            default: Issue.record("unexpected instruction \(String(word, radix: 16))")
            }
        }
        Issue.record("the program runs off its end")
        return false
    }
}
