import Glibc
import Linux

/// The share of the machine that a step of a build may use.
package enum StepLimits {
    /// How many processes and threads a step may have at once: enough for every processor, and less than a sixth of all that the
    /// machine can. One that starts them without end leaves room for everybody else, and comes to an end soon.
    package static func processes() -> Int64 {
        func number(_ path: String) -> Int64? {
            (try? readText(path)).flatMap { Int64($0.prefix { !$0.isNewline }) }
        }
        return processes(
            pids: number("/proc/sys/kernel/pid_max"), threads: number("/proc/sys/kernel/threads-max"),
            processors: sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    }

    /// The same for a kernel with these limits (proc(5)) and so many processors.
    package static func processes(pids: Int64?, threads: Int64?, processors: Int) -> Int64 {
        let share = min(pids ?? 32768, threads ?? 32768) * 15 / 100
        return max(512, min(share, max(4096, Int64(processors) * 512)))
    }
}
