import Linux
import Testing

@Suite struct CapabilityTests {
    @Test(
        "a set takes the kernel's names, and nothing else that libcap would read",
        arguments: [
            ("CAP_CHOWN", 1 << 0), ("CAP_SETPCAP", 1 << 8), ("CAP_SYS_ADMIN", 1 << 21),
            ("CAP_CHECKPOINT_RESTORE", 1 << 40),
            ("CAP_NEW", 0), ("CAP_", 0), ("", 0), ("0", 0), ("CAP_0", 0), ("cap_chown", 0), ("CAP_chown", 0),
            ("CHOWN", 0),
            ("CAP_CHOWN\0", 0), ("CAP_CHOWN ", 0), ("ALL", 0), ("CAP_ALL", 0),
        ] as [(String, UInt64)])
    func names(name: String, bits: UInt64) {
        #expect(CapabilitySet([name]).bits == bits)
        #expect(CapabilitySet(bits: .max).contains(name) == (bits != 0))
        if bits != 0 { #expect(CapabilitySet(bits: bits).members == [name]) }
    }

    @Test("the highest capability is the kernel's, and each up to it has a name that leads back to it")
    func range() throws {
        let highest = Int(try readText("/proc/sys/kernel/cap_last_cap").split(separator: "\n")[0])
        #expect(CapabilitySet.kernelCount == (highest ?? -2) + 1)
        let all = CapabilitySet(bits: .max).members
        #expect(all.first == "CAP_CHOWN" && Set(all).count == all.count)
        #expect(
            all.compactMap(CapabilitySet.number).map { CapabilitySet(bits: 1 << UInt64($0)).members }
                == all.map { [$0] })
    }

    @Test("the process's set and the bounding set are those in /proc/self/status")
    func process() throws {
        func line(_ name: String) throws -> UInt64? {
            let lines = try readText("/proc/thread-self/status").split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix("\(name):") })
            return UInt64(line.dropFirst(name.count + 1).drop { $0 == "\t" }, radix: 16)
        }
        #expect(CapabilitySet.ofThisProcess.bits == (try line("CapEff")))
        #expect(CapabilitySet.bounding.bits == (try line("CapBnd")))
        #expect(CapabilitySet.grantable.bits == (try line("CapEff")).map { $0 & CapabilitySet.bounding.bits })
    }
}
