import CLinux
import Glibc
import Linux

/// Protects this program's file and memory from the containers that it runs (CVE-2019-5736, CVE-2016-9962).
package enum SelfProtection {
    /// Call this first in `main`. Unless the program already runs from a read-only mount, runs it again from one, and
    /// forbids others to inspect the process. Returns only in the protected process.
    ///
    /// A container can reach the file of its creator through `/proc/PID/exe`, even by using `/proc/self/exe` as its
    /// command.
    /// - Throws: `SyscallError` when this host does not support it.
    package static func begin() throws(SyscallError) {
        if berth_is_read_only() == 0 {
            let environment = Self.environment()
            try syscall("execveat", on: "/proc/self/exe") {
                withCStrings(CommandLine.arguments) { argv in
                    withCStrings(environment) { envp in berth_reexecute_read_only(argv, envp) }
                }
            }
        }
        try syscall("prctl(PR_SET_DUMPABLE)", on: "self") { berth_forbid_looking_in() }
    }

    /// Call this before a long sleep: releases mapped pages of the program's own code, which the kernel loads again
    /// when needed.
    package static func settle() { berth_release_code() }

    /// Runs this program again in the same process, with `arguments`: children and descriptors stay, memory starts
    /// fresh.
    ///
    /// Returns only if that fails; then nothing has changed.
    package static func beginAnew(_ arguments: [String]) {
        let environment = Self.environment()
        withCStrings(arguments) { argv in
            withCStrings(environment) { envp in _ = berth_reexecute(argv, envp) }
        }
    }

    private static func environment() -> [String] {
        var variables: [String] = []
        var next = environ
        while let variable = next.pointee {
            variables.append(String(cString: variable))
            next += 1
        }
        return variables
    }
}
