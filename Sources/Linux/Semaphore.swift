import Glibc

/// A POSIX semaphore (sem_overview(7)) with a stable address.
package final class Semaphore: @unchecked Sendable {
    // The kernel guards it: any thread may call sem_post(3) and sem_wait(3).
    private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    package init(_ count: UInt32 = 0) { sem_init(raw, 0, count) }
    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    package func signal() { sem_post(raw) }
    /// Blocks the thread; do not call it on the cooperative pool.
    package func wait() { while sem_wait(raw) == -1 && Errno.current == .interrupted {} }
}
