import Glibc
import OCI

/// System calls newer than the libseccomp of current distributions, which does not know their names.
///
/// From number 424 on, a call has the same number on every architecture, so a few instructions before the compiled
/// filter handle all of them. Otherwise they would fail with the profile's EPERM. Programs take that for the call's
/// result; glibc falls back to an older call only on ENOSYS.
enum NewerSystemCalls {
    private static let numbers: [String: UInt32] = [
        "set_mempolicy_home_node": 450, "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453,
        "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456, "statmount": 457, "listmount": 458,
        "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463,
        "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468,
        "file_setattr": 469,
    ]

    /// Instructions that decide about the calls above, and return ENOSYS for even newer ones.
    static func prefix(
        _ seccomp: RuntimeSpec.Seccomp, action: (String, UInt32?) throws(RuntimeFailure) -> UInt32
    ) -> [UInt64] {
        var answers: [UInt32: UInt32] = [:]
        for rule in seccomp.syscalls ?? [] where rule.args?.isEmpty != false {
            guard let value = try? action(rule.action, rule.errnoRet) else { continue }
            for name in rule.names {
                if let number = numbers[name] { answers[number] = value }
            }
        }
        let sorted = answers.sorted { $0.key < $1.key }
        var checks: [UInt64] = []
        for (number, value) in sorted {
            checks.append(instruction(equal, number, then: 0, otherwise: 1))
            checks.append(instruction(answer, value))
        }
        let youngest = numbers.values.max() ?? 0
        checks.append(instruction(greater, youngest, then: 0, otherwise: 1))
        checks.append(instruction(answer, 0x0005_0000 | UInt32(ENOSYS)))
        // Other architectures, and x32 with its bit 30, go straight to the compiled filter.
        let skip = UInt8(checks.count)
        return [
            instruction(loadWord, 4), instruction(equal, nativeArchitecture, then: 0, otherwise: skip + 2),
            instruction(loadWord, 0), instruction(greaterOrEqual, 0x4000_0000, then: skip, otherwise: 0),
        ] + checks
    }

    // linux/bpf_common.h: load a word; jump if equal, greater, greater or equal; return.
    private static let loadWord: UInt16 = 0x20
    private static let equal: UInt16 = 0x15
    private static let greater: UInt16 = 0x25
    private static let greaterOrEqual: UInt16 = 0x35
    private static let answer: UInt16 = 0x06

    /// AUDIT_ARCH_* of this machine (linux/audit.h).
    private static var nativeArchitecture: UInt32 {
        #if arch(arm64)
            0xC000_00B7
        #else
            0xC000_003E
        #endif
    }

    /// struct sock_filter: code, two jump offsets, value (little endian).
    private static func instruction(
        _ code: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0
    ) -> UInt64 {
        UInt64(code) | UInt64(then) << 16 | UInt64(otherwise) << 24 | UInt64(value) << 32
    }
}
