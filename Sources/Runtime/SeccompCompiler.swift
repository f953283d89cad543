import CLinux
import CSeccomp
import Glibc
import JSON
import Linux
import OCI

/// A filter in the kernel's form: classic BPF, with eight bytes for each instruction (seccomp(2)).
package struct SeccompFilter: Hashable, Sendable {
    package var instructions: [UInt64]
    /// SECCOMP_FILTER_FLAG_*.
    package var flags: UInt64

    /// The kernel's maximum (BPF_MAXINSNS).
    static let limit = 4096
}

/// Compiles the `seccomp` object of a runtime spec with libseccomp.
package enum SeccompCompiler {
    /// - Throws: `RuntimeFailure` for an unknown action, operator or architecture.
    package static func compile(_ seccomp: RuntimeSpec.Seccomp) throws(RuntimeFailure) -> SeccompFilter {
        let flags = try flags(seccomp.flags ?? [])
        let defaultAction = try action(seccomp.defaultAction, errno: seccomp.defaultErrnoRet)
        guard let context = seccomp_init(defaultAction) else { throw failure("libseccomp refused the default action") }
        defer { seccomp_release(context) }
        for name in seccomp.architectures ?? [] { try addArchitecture(name, context) }
        // A tree of comparisons instead of a chain, because the kernel evaluates the filter at every system call.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        for rule in seccomp.syscalls ?? [] {
            let action = try action(rule.action, errno: rule.errnoRet)
            if action == defaultAction { continue }  // redundant, and libseccomp refuses it
            for name in rule.names { try add(name, rule, action, context) }
        }
        var instructions = try export(context)
        if defaultAction & 0xFFFF_0000 == errnoAction {
            instructions = NewerSystemCalls.prefix(seccomp, action: Self.action) + instructions
        }
        guard instructions.count <= SeccompFilter.limit else {
            throw failure("the filter has \(instructions.count) instructions, the kernel takes \(SeccompFilter.limit)")
        }
        return SeccompFilter(instructions: instructions, flags: flags)
    }

    private static func addArchitecture(_ name: String, _ context: scmp_filter_ctx) throws(RuntimeFailure) {
        let token = seccomp_arch_resolve_name(name.replacingPrefix("SCMP_ARCH_", with: "").lowercased())
        guard token != 0 else { throw failure("unknown architecture \"\(name)\"") }
        let code = seccomp_arch_add(context, token)
        guard code == 0 || code == -EEXIST else { throw failure("architecture \(name): \(Errno(rawValue: -code))") }
    }

    private static func add(
        _ name: String, _ rule: RuntimeSpec.Seccomp.Syscall, _ action: UInt32, _ context: scmp_filter_ctx
    ) throws(RuntimeFailure) {
        let number = seccomp_syscall_resolve_name(name)
        if number == -1 { return }  // unknown to this libseccomp or architecture: skipped, as the runtime spec requires
        let arguments = rule.args ?? []
        let indices = Set(arguments.map(\.index))
        if indices.count == arguments.count {
            try add(number, try arguments.map(comparison), action, name, context)
        } else {
            // libseccomp accepts one condition for each argument in a rule, so several conditions on one argument
            // become separate rules.
            for argument in arguments { try add(number, [try comparison(argument)], action, name, context) }
        }
    }

    private static func add(
        _ number: CInt, _ comparisons: [scmp_arg_cmp], _ action: UInt32, _ name: String, _ context: scmp_filter_ctx
    ) throws(RuntimeFailure) {
        let code = comparisons.withUnsafeBufferPointer {
            seccomp_rule_add_array(context, action, number, UInt32($0.count), $0.baseAddress)
        }
        // EEXIST: a duplicate. EDOM, EFAULT: one of the architectures does not have the call.
        guard code == 0 || [-EEXIST, -EDOM, -EFAULT].contains(code) else {
            throw failure("rule for \(name): \(Errno(rawValue: -code))")
        }
    }

    private static func comparison(_ argument: RuntimeSpec.Seccomp.Argument) throws(RuntimeFailure) -> scmp_arg_cmp {
        let operators: [String: scmp_compare] = [
            "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
            "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
            "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
        ]
        guard let comparison = operators[argument.op], argument.index < 6 else {
            throw failure("argument \(argument.index) \(argument.op) is unknown")
        }
        return scmp_arg_cmp(
            arg: argument.index, op: comparison, datum_a: argument.value, datum_b: argument.valueTwo ?? 0)
    }

    private static let errnoAction: UInt32 = 0x0005_0000

    /// SCMP_ACT_* of seccomp.h, with `errno` in the low half if the action uses one.
    private static func action(_ name: String, errno: UInt32?) throws(RuntimeFailure) -> UInt32 {
        let value = (errno ?? UInt32(EPERM)) & 0xFFFF
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x0003_0000
        case "SCMP_ACT_ERRNO": return errnoAction | value
        case "SCMP_ACT_TRACE": return 0x7FF0_0000 | value
        case "SCMP_ACT_LOG": return 0x7FFC_0000
        case "SCMP_ACT_ALLOW": return 0x7FFF_0000
        case "SCMP_ACT_NOTIFY": throw failure("SCMP_ACT_NOTIFY is not supported")
        default: throw failure("unknown action \"\(name)\"")
        }
    }

    private static func flags(_ names: [String]) throws(RuntimeFailure) -> UInt64 {
        var flags: UInt64 = 0
        for name in names {
            switch name {
            case "SECCOMP_FILTER_FLAG_TSYNC": flags |= 1
            case "SECCOMP_FILTER_FLAG_LOG": flags |= 2
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags |= 4
            default: throw failure("unknown flag \"\(name)\"")
            }
        }
        return flags
    }

    private static func export(_ context: scmp_filter_ctx) throws(RuntimeFailure) -> [UInt64] {
        do {
            let raw = try syscall("memfd_create", on: "seccomp filter") { berth_memfd_create("seccomp", 1) }
            let file = OwnedFD(owning: raw)
            let code = seccomp_export_bpf(context, file.raw)
            guard code == 0 else { throw failure("export: \(Errno(rawValue: -code))") }
            lseek(file.raw, 0, SEEK_SET)
            let bytes = try file.readToEnd()
            return bytes.withUnsafeBytes { bytes in
                (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
            }
        } catch let error as SyscallError {
            throw RuntimeFailure("seccomp", error)
        } catch {
            throw failure("\(plainText(of: error))")
        }
    }

    private static func failure(_ message: String) -> RuntimeFailure {
        RuntimeFailure(step: "seccomp", message: "seccomp: \(message)")
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, with replacement: String) -> String {
        hasPrefix(prefix) ? replacement + dropFirst(prefix.utf8.count) : self
    }
}
