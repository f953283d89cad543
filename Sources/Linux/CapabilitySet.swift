import CCap
import Glibc

/// A set of capabilities: bit n is the capability with number n (capabilities(7)).
///
/// libcap provides names and numbers, and the capabilities of the kernel and of this process.
package struct CapabilitySet: Hashable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    /// From names such as `CAP_CHOWN`; as the runtime spec requires, skips names that libcap or this kernel does not
    /// know.
    package init(_ names: [String]?) {
        bits = 0
        for name in names ?? [] {
            if let number = Self.number(of: name), number < Self.kernelCount { bits |= 1 << UInt64(number) }
        }
    }

    package func contains(_ name: String) -> Bool {
        Self.number(of: name).map { bits >> UInt64($0) & 1 == 1 } ?? false
    }

    package func intersection(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(bits: bits & other.bits) }

    /// The names in the kernel's order; a capability that is too new for libcap has none.
    package var members: [String] {
        (0..<Self.kernelCount).filter { bits >> UInt64($0) & 1 == 1 }.compactMap(Self.name)
    }

    /// The effective capabilities of this process (cap_get_proc(3)); empty when unknown.
    package static var ofThisProcess: CapabilitySet {
        guard let state = cap_get_proc() else { return CapabilitySet(bits: 0) }
        defer { cap_free(UnsafeMutableRawPointer(state)) }
        return CapabilitySet { number in
            var value = CAP_CLEAR
            return cap_get_flag(state, number, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET
        }
    }

    /// The bounding set: what programs started by this process can get at most (cap_get_bound(3)).
    package static var bounding: CapabilitySet { CapabilitySet { cap_get_bound($0) == 1 } }

    /// What this process can give to a program that it starts: in its effective set and in its bounding set.
    package static var grantable: CapabilitySet { ofThisProcess.intersection(bounding) }

    /// Permanently drops everything that is not in the set: the effective, permitted and bounding sets shrink to it,
    /// the others become empty (capabilities(7)). Needs CAP_SETPCAP.
    package func confineThisProcess() throws(SyscallError) {
        let kept = intersection(.ofThisProcess)
        for number in 0..<Self.kernelCount where kept.bits >> UInt64(number) & 1 == 0 {
            guard cap_get_bound(cap_value_t(number)) == 1 else { continue }
            try syscall("cap_drop_bound", on: "capability \(number)") { cap_drop_bound(cap_value_t(number)) }
        }
        try syscall("cap_reset_ambient", on: "this process") { cap_reset_ambient() }
        guard let state = cap_init() else {
            throw SyscallError(call: "cap_init", object: "this process", code: .current)
        }
        defer { cap_free(UnsafeMutableRawPointer(state)) }
        let numbers = (0..<Self.kernelCount).filter { kept.bits >> UInt64($0) & 1 == 1 }.map { cap_value_t($0) }
        for flag in [CAP_PERMITTED, CAP_EFFECTIVE] where !numbers.isEmpty {
            try syscall("cap_set_flag", on: "this process") {
                cap_set_flag(state, flag, CInt(numbers.count), numbers, CAP_SET)
            }
        }
        try syscall("cap_set_proc", on: "this process") { cap_set_proc(state) }
    }

    /// The number of capabilities of the kernel (cap_max_bits(3)).
    package static var kernelCount: Int { Int(cap_max_bits()) }

    /// The number of a name such as `CAP_CHOWN`; nil when libcap does not know the name (cap_from_name(3)).
    package static func number(of name: String) -> Int? {
        // libcap also accepts lower case, bare numbers and a trailing space, which are not names in the runtime spec.
        let isName = name.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard isName, name.hasPrefix("CAP_") else { return nil }
        var number: cap_value_t = 0
        guard cap_from_name(name, &number) == 0, (0..<64).contains(number) else { return nil }
        return Int(number)
    }

    /// The name of a capability; nil when libcap does not know it and returns only the number (cap_to_name(3)).
    private static func name(of number: Int) -> String? {
        guard let text = cap_to_name(cap_value_t(number)) else { return nil }
        defer { cap_free(text) }
        let name = String(cString: text)
        return name.hasPrefix("cap_") ? name.uppercased() : nil
    }

    private init(_ isMember: (cap_value_t) -> Bool) {
        bits = (0..<Self.kernelCount).reduce(0) { isMember(cap_value_t($1)) ? $0 | 1 << UInt64($1) : $0 }
    }
}
