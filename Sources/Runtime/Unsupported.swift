import JSON
import Linux
import OCI

/// Parts of a runtime spec that this runtime does not support. It refuses them by name, because otherwise the container
/// would run without them unnoticed.
enum Unsupported {
    static func check(_ linux: RuntimeSpec.Linux) throws(RuntimeFailure) {
        if let label = linux.mountLabel, !label.isEmpty {
            let reason =
                fileExists("/sys/fs/selinux/enforce") ? "mounts get no SELinux label" : "SELinux is not enabled here"
            throw failure("linux.mountLabel", "\"\(label)\": \(reason)")
        }
        if linux.seccomp?.listenerPath?.isEmpty == false {
            throw failure("linux.seccomp.listenerPath", "no program decides about system calls (SCMP_ACT_NOTIFY)")
        }
        if linux.intelRdt != nil { throw failure("linux.intelRdt", "caches and memory bandwidth cannot be divided") }
        if linux.netDevices?.object?.isEmpty == false {
            throw failure("linux.netDevices", "host interfaces cannot be moved into containers")
        }
    }

    private static func failure(_ name: String, _ reason: String) -> RuntimeFailure {
        RuntimeFailure(step: name, message: "\(name) is not supported: \(reason)")
    }
}
