import Glibc
import Synchronization

/// Kills a worker process from another thread than the one that waits for it: now, or as soon as it exists.
package final class WorkerLeash: Sendable {
    private enum State {
        case free
        case attached(pid_t)
        case cut
    }

    // The mutex guards the pid of a process that is not reaped yet, so the pid cannot be reused.
    private let state = Mutex(State.free)

    package init() {}

    package var isCut: Bool {
        state.withLock { state in
            if case .cut = state { return true }
            return false
        }
    }

    /// Kills the process.
    package func cut() {
        state.withLock { state in
            if case .attached(let pid) = state { kill(pid, SIGKILL) }
            state = .cut
        }
    }

    func attach(_ pid: pid_t) {
        state.withLock { state in
            if case .cut = state { kill(pid, SIGKILL) } else { state = .attached(pid) }
        }
    }

    /// Call this before the process is reaped.
    func detach() {
        state.withLock { state in
            if case .attached = state { state = .free }
        }
    }
}
