import Glibc

/// Events of folders (inotify(7)). Somebody else owns the instance's descriptor, usually an event loop.
package enum Inotify {
    package struct Event: Sendable {
        /// The number from `add`; -1 when the kernel dropped events because its queue was full.
        package let watch: CInt
        package let mask: UInt32
        /// The name in the folder; empty for an event of the folder itself.
        package let name: String

        /// Events were lost; whoever needs all of them must look at the folders.
        package var isOverflow: Bool { mask & UInt32(bitPattern: CInt(IN_Q_OVERFLOW)) != 0 }
        /// The watch ended: its folder is gone, or it was removed.
        package var isEnd: Bool { mask & UInt32(bitPattern: CInt(IN_IGNORED)) != 0 }
    }

    /// Creates a non-blocking instance. The number of instances for each user is limited
    /// (`fs.inotify.max_user_instances`).
    package static func open(for purpose: String) throws(SyscallError) -> OwnedFD {
        OwnedFD(owning: try syscall("inotify_init1", on: purpose) { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Watches `folder` for `events`. For the same folder it returns the same number and replaces the events.
    /// - Throws: `.noSpace` when the user has reached the limit of watches (`fs.inotify.max_user_watches`).
    package static func add(_ folder: String, _ events: UInt32, to descriptor: CInt) throws(SyscallError) -> CInt {
        try syscall("inotify_add_watch", on: folder) { inotify_add_watch(descriptor, folder, events) }
    }

    /// It is no error if the watch is already gone.
    package static func remove(_ watch: CInt, from descriptor: CInt) { inotify_rm_watch(descriptor, watch) }

    /// Passes all pending events to `body`.
    package static func read(_ descriptor: CInt, _ body: (Event) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 8) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                var offset = 0
                let head = MemoryLayout<inotify_event>.size
                while offset + head <= count {
                    let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let padded = buffer[(offset + head)..<min(count, offset + head + Int(event.len))]
                    let name = String(decoding: padded.prefix { $0 != 0 }, as: UTF8.self)
                    body(Event(watch: event.wd, mask: event.mask, name: name))
                    offset += head + Int(event.len)
                }
            }
        }
    }
}
