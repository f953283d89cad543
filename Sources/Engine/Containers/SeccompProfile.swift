import EngineWire
import Glibc
import JSON
import OCI

/// A seccomp profile in Docker's JSON form: like a runtime spec, with conditions that limit rules to some machines,
/// capabilities or kernels.
package struct SeccompProfile: Decodable {
    private var defaultAction: String
    private var defaultErrnoRet: UInt32?
    private var architectures: [String]?
    private var archMap: [Architecture]?
    private var flags: [String]?
    private var syscalls: [Rule]?

    private struct Architecture: Decodable {
        var architecture: String
        var subArchitectures: [String]?
    }

    private struct Rule: Decodable {
        var name: String?
        var names: [String]?
        var action: String
        var errnoRet: UInt32?
        var args: [RuntimeSpec.Seccomp.Argument]?
        var includes: Condition?
        var excludes: Condition?
    }

    fileprivate struct Condition: Decodable {
        var arches: [String]?
        var caps: [String]?
        var minKernel: String?
    }

    /// The facts that conditions depend on.
    package struct Surroundings: Hashable, Sendable {
        /// In Go's spelling: `amd64`, `arm64`.
        package var architecture: String
        package var capabilities: Set<String>
        package var kernel: KernelVersion

        package init(architecture: String, capabilities: Set<String>, kernel: KernelVersion) {
            self.architecture = architecture
            self.capabilities = capabilities
            self.kernel = kernel
        }
    }

    /// - Throws: `EngineFailure` when `text` is not a valid profile.
    package init(parsing text: String) throws {
        do {
            self = try decodeJSON(SeccompProfile.self, from: text.utf8)
        } catch {
            throw EngineFailure(
                code: .invalid, message: "the seccomp profile does not have the expected form: \(plainText(of: error))",
                hint: "security_opt takes `seccomp=FILE` with a profile in Docker's format")
        }
    }

    /// The rules that apply here.
    package func resolved(in place: Surroundings) -> RuntimeSpec.Seccomp {
        var result = RuntimeSpec.Seccomp(defaultAction: defaultAction)
        result.defaultErrnoRet = defaultErrnoRet
        result.flags = flags
        result.architectures = architectures
        if let known = archMap?.first(where: { $0.architecture == Self.names[place.architecture] }) {
            result.architectures = [known.architecture] + (known.subArchitectures ?? [])
        }
        result.syscalls = (syscalls ?? []).compactMap { rule in
            guard rule.includes?.allHold(place) ?? true, !(rule.excludes?.anyHolds(place) ?? false) else { return nil }
            return RuntimeSpec.Seccomp.Syscall(
                names: (rule.names ?? []) + (rule.name.map { [$0] } ?? []), action: rule.action,
                errnoRet: rule.errnoRet, args: rule.args.flatMap { $0.isEmpty ? nil : $0 })
        }
        return result
    }

    private static let names = ["amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"]
}

extension SeccompProfile.Condition {
    /// For `includes`: every condition must hold.
    fileprivate func allHold(_ place: SeccompProfile.Surroundings) -> Bool {
        let isMachine = arches.map { $0.isEmpty || $0.contains(place.architecture) } ?? true
        let isAble = (caps ?? []).allSatisfy(place.capabilities.contains)
        return isMachine && isAble && isKernelNew(place) != false
    }

    /// For `excludes`: one condition that holds is enough.
    fileprivate func anyHolds(_ place: SeccompProfile.Surroundings) -> Bool {
        arches?.contains(place.architecture) == true || caps?.contains(where: place.capabilities.contains) == true
            || isKernelNew(place) == true
    }

    private func isKernelNew(_ place: SeccompProfile.Surroundings) -> Bool? {
        minKernel.flatMap { KernelVersion($0) }.map { place.kernel >= $0 }
    }
}

/// The first two numbers of a kernel's release.
package struct KernelVersion: Comparable, Hashable, Sendable {
    package let major: Int
    package let minor: Int

    /// From `6.1.0-18-amd64` or `4.8`; nil for anything else.
    package init?(_ text: String) {
        let numbers = text.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.major = major
        self.minor = minor
    }

    /// The version of the running kernel (uname(2)).
    package static var running: KernelVersion? {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.release) {
            KernelVersion(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))
        }
    }

    package static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
