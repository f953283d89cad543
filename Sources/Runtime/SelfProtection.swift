import CLinux
import Glibc
import Linux

/// Keeps this program's own file and memory out of the reach of what it runs (CVE-2019-5736, CVE-2016-9962).
package enum SelfProtection {
    /// Call first in `main`: runs the program once more from a read-only mount unless it is run from one already, and
    /// forbids others to look into the process. Returns in the protected process only.
    ///
    /// A container can reach the file that made it through `/proc/PID/exe`, even by naming `/proc/self/exe` as its command.
    /// - Throws: `SyscallError` when this host gives no way to do it.
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

    /// Before a long sleep: gives up what is mapped of the program's own code, which comes back when it is used.
    package static func settle() { berth_release_code() }

    /// Runs this program once more in this process, with `arguments`: children and descriptors stay, memory begins anew.
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
