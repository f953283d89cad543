import CLinux
import Glibc
import Linux
import OCI

/// Which device nodes a container may use: v1's list of rules, or the program that v2 runs at each access.
package enum DeviceRules {
    /// Added after a spec's own rules: every node may be created, and the devices of every container may be used.
    static let always: [RuntimeSpec.DeviceRule] =
        [
            RuntimeSpec.DeviceRule(allow: true, type: "c", access: "m"),
            RuntimeSpec.DeviceRule(allow: true, type: "b", access: "m"),
        ]
        + [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)].map { major, minor in
            RuntimeSpec.DeviceRule(allow: true, type: "c", major: major, minor: minor, access: "rwm")
        } + [RuntimeSpec.DeviceRule(allow: true, type: "c", major: 136, access: "rwm")]

    /// The complete list: everything is denied first, and the last matching rule decides.
    package static func complete(_ rules: [RuntimeSpec.DeviceRule]) -> [RuntimeSpec.DeviceRule] {
        [RuntimeSpec.DeviceRule(allow: false)] + rules + always
    }

    /// `c 1:3 rwm`, the form of devices.allow; `a` for everything.
    package static func line(_ rule: RuntimeSpec.DeviceRule) -> String {
        guard let type = type(rule) else { return "a" }
        func number(_ value: Int64?) -> String { value.map { $0 < 0 ? "*" : "\($0)" } ?? "*" }
        return "\(type) \(number(rule.major)):\(number(rule.minor)) \(rule.access ?? "rwm")"
    }

    private static func type(_ rule: RuntimeSpec.DeviceRule) -> String? {
        guard let type = rule.type, type != "a", !type.isEmpty else { return nil }
        return type == "u" ? "c" : type
    }

    /// A program for BPF_CGROUP_DEVICE in eBPF, with eight bytes for each instruction; 1 allows (linux/bpf.h).
    package static func program(_ rules: [RuntimeSpec.DeviceRule]) -> [UInt64] {
        // r2 type, r3 access, r4 major, r5 minor, of struct bpf_cgroup_dev_ctx in r1.
        var program = [
            instruction(0x61, to: 2, from: 1, offset: 0), instruction(0xBF, to: 3, from: 2),
            instruction(0x57, to: 2, value: 0xFFFF), instruction(0x77, to: 3, value: 16),
            instruction(0x61, to: 4, from: 1, offset: 4), instruction(0x61, to: 5, from: 1, offset: 8),
        ]
        // The last rule decides, so test it first.
        for rule in rules.reversed() {
            program += checks(rule)
            // A rule for everything ends the program: the kernel refuses unreachable instructions.
            if type(rule) == nil { return program }
        }
        return program + [instruction(0xB7, to: 0, value: 0), instruction(0x95)]
    }

    private static func checks(_ rule: RuntimeSpec.DeviceRule) -> [UInt64] {
        let access = (rule.access ?? "rwm").reduce(0) { $0 | ($1 == "m" ? 1 : $1 == "r" ? 2 : 4) }
        // Each test: instructions that load a value, and the jump that skips the rule when it does not match.
        var tests: [[(Int32) -> UInt64]] = []
        if let type = type(rule) {
            let number: Int32 = type == "b" ? 1 : 2
            tests.append([{ instruction(0x55, to: 2, offset: $0, value: number) }])
        }
        if access != 7, type(rule) != nil {
            let mask = Int32(rule.allow ? ~access & 7 : access)
            tests.append([
                { _ in instruction(0xBF, to: 1, from: 3) }, { _ in instruction(0x57, to: 1, value: mask) },
                // An allow rule must cover the whole request; a deny rule matches any part of it.
                { instruction(rule.allow ? 0x55 : 0x15, to: 1, offset: $0, value: 0) },
            ])
        }
        if type(rule) != nil {
            for (register, number) in [(UInt8(4), rule.major), (5, rule.minor)] {
                guard let number, number >= 0 else { continue }
                let value = Int32(truncatingIfNeeded: number)
                tests.append([{ instruction(0x55, to: register, offset: $0, value: value) }])
            }
        }
        let all = tests.flatMap(\.self)
        let conditions = all.enumerated().map { index, make in make(Int32(all.count - index - 1 + 2)) }
        return conditions + [instruction(0xB7, to: 0, value: rule.allow ? 1 : 0), instruction(0x95)]
    }

    /// struct bpf_insn: code, two registers, jump offset or field offset, value.
    private static func instruction(
        _ code: UInt8, to: UInt8 = 0, from: UInt8 = 0, offset: Int32 = 0, value: Int32 = 0
    ) -> UInt64 {
        UInt64(code) | UInt64(to | from << 4) << 8 | UInt64(UInt16(truncatingIfNeeded: offset)) << 16
            | UInt64(UInt32(bitPattern: value)) << 32
    }
}

extension Cgroup {
    /// Allows the devices in `rules` and those of every container, and no others.
    /// - Throws: `RuntimeFailure` when this host cannot enforce the rules, unless they allow everything.
    func applyDevices(_ rules: [RuntimeSpec.DeviceRule]) throws(RuntimeFailure) {
        let complete = DeviceRules.complete(rules)
        if let last = rules.last(where: { DeviceRules.line($0) == "a" }), last.allow { return }  // privileged
        if let hierarchy = hierarchies.first(where: { $0.controllers.contains("devices") }) {
            for rule in complete {
                let file = "\(hierarchy.folder)/devices.\(rule.allow ? "allow" : "deny")"
                try write(DeviceRules.line(rule), to: file, "allow devices")
            }
        } else if let unified {
            // Also if there is a v1 hierarchy that we may not use: the program works without it.
            try attach(DeviceRules.program(complete), to: unified.folder)
        } else {
            let reason = warnings.first { $0.hasPrefix("cgroup devices") }.map { " (\($0))" } ?? ""
            throw RuntimeFailure(
                step: "allow devices",
                message:
                    "allow devices: this host has no cgroup that could keep the container from its devices\(reason)"
            )
        }
    }

    private func attach(_ program: [UInt64], to folder: String) throws(RuntimeFailure) {
        do throws(SyscallError) {
            let place = try openFile(folder, O_RDONLY | O_DIRECTORY)
            try syscall("bpf", on: folder) { berth_attach_device_program(place.raw, program, program.count) }
        } catch {
            throw RuntimeFailure("allow devices", error)
        }
    }
}
