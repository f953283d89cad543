import Glibc
import Linux

/// Says when something in a folder is written or renamed (inotify(7)); ticks that nobody took yet are one.
struct FileWatch: Sendable {
    let ticks: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    /// Watches `folder` until the stream's reader is done.
    init(folder: String, reactor: Reactor?) throws(SyscallError) {
        (ticks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        guard let reactor else { return }
        let raw = try syscall("inotify_init1", on: folder) { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) }
        let descriptor = OwnedFD(owning: raw)
        let events = UInt32(IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF)
        try syscall("inotify_add_watch", on: folder) { inotify_add_watch(raw, folder, events) }
        let continuation = continuation
        try reactor.add(descriptor) { descriptor in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while read(descriptor, &buffer, buffer.count) > 0 {}
            if case .terminated = continuation.yield() { return false }
            return true
        }
    }

    /// A tick from another source.
    func tick() { continuation.yield() }
    func finish() { continuation.finish() }
}
