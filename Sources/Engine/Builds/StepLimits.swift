import Linux

/// What a step of a build may have of the machine.
package enum StepLimits {
    /// How many processes and threads a step may have at once: less than a sixth of all that the machine can, so that one that starts
    /// them without end leaves room for everybody else, and for being ended.
    package static func processes() -> Int64 {
        func number(_ path: String) -> Int64? {
            (try? readText(path)).flatMap { Int64($0.prefix { !$0.isNewline }) }
        }
        return processes(pids: number("/proc/sys/kernel/pid_max"), threads: number("/proc/sys/kernel/threads-max"))
    }

    /// The same for a kernel with these limits (proc(5)).
    package static func processes(pids: Int64?, threads: Int64?) -> Int64 {
        let all = min(pids ?? 32768, threads ?? 32768)
        return max(all * 15 / 100, 512)
    }
}
