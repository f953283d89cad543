import CLinux
import Glibc

/// Whether a process can receive a signal, judged from outside.
package enum Hearing {
    /// Whether `signal` certainly has no effect on `pid`, the first process of its pid namespace: the kernel drops
    /// signals that such a process neither handles nor blocks (pid_namespaces(7)). False in case of doubt: for a
    /// process that runs all the time, or cannot be inspected. Blocks for up to 50 ms.
    package static func isDeaf(_ pid: CInt, to signal: CInt) -> Bool {
        for attempt in 0..<5 {
            if attempt > 0 { usleep(10_000) }
            switch look(pid, signal) {
            case true?: return true
            case false?: return false
            case nil: continue
            }
        }
        return false
    }

    /// One inspection; nil when the process did something else meanwhile. While a thread waits for signals
    /// (sigtimedwait(2)), the kernel shows them as neither blocked nor handled. So the signal sets are valid only if
    /// the thread sleeps in another call during the whole inspection.
    private static func look(_ pid: CInt, _ signal: CInt) -> Bool? {
        guard let before = try? ProcessStatus(of: pid) else { return false }
        let hears = before.caught.contains(signal) || before.blocked.contains(signal)
        if hears || !before.pending.isEmpty { return false }
        switch activity(pid) {
        case .waitsForSignals: return false
        case .runs: return nil
        case .sleeps: break
        }
        guard let after = try? ProcessStatus(of: pid) else { return false }
        return after.sleeps == before.sleeps && after.startTicks == before.startTicks ? true : nil
    }

    private enum Activity { case sleeps, runs, waitsForSignals }

    /// What the threads of `pid` do: one that waits for signals decides, then one that runs.
    private static func activity(_ pid: CInt) -> Activity {
        guard let threads = try? folderEntries("/proc/\(pid)/task") else { return .waitsForSignals }
        var activity = Activity.sleeps
        for thread in threads {
            let path = "/proc/\(pid)/task/\(thread)/syscall"
            guard let text = try? readText(path) else {
                // A thread that cannot be inspected counts as waiting; one that has ended does not count.
                if fileExists(path) { return .waitsForSignals }
                continue
            }
            if waits.contains(where: text.hasPrefix) { return .waitsForSignals }
            if text.hasPrefix("running") { activity = .runs }
        }
        return activity
    }

    /// The beginning of `/proc/PID/syscall` in sigtimedwait(2); the last two are for 32-bit programs on x86-64 and
    /// arm64.
    private static let waits = ["\(BERTH_SYS_RT_SIGTIMEDWAIT) ", "177 ", "421 "]
}
