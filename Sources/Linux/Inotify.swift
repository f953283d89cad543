import Glibc

/// Events of folders (inotify(7)). The instance is a descriptor that somebody else owns: an event loop, as a rule.
package enum Inotify {
    package struct Event: Sendable {
        /// The number that `add` returned; -1 when the kernel dropped events because too many waited.
        package let watch: CInt
        package let mask: UInt32
        /// The name in the folder; empty when it is about the folder itself.
        package let name: String

        /// Events were lost: whoever needs them all has to look for himself.
        package var isOverflow: Bool { mask & UInt32(bitPattern: CInt(IN_Q_OVERFLOW)) != 0 }
        /// The watch is gone, with its folder or because it was removed.
        package var isEnd: Bool { mask & UInt32(bitPattern: CInt(IN_IGNORED)) != 0 }
    }

    /// Makes an instance whose reads do not wait. A user may have only some of them (`fs.inotify.max_user_instances`).
    package static func open(for purpose: String) throws(SyscallError) -> OwnedFD {
        OwnedFD(owning: try syscall("inotify_init1", on: purpose) { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Watches `folder` for `events`; the same folder gives the same number again, and has the new events from then on.
    /// - Throws: `.noSpace` when the user has as many watches as allowed (`fs.inotify.max_user_watches`).
    package static func add(_ folder: String, _ events: UInt32, to descriptor: CInt) throws(SyscallError) -> CInt {
        try syscall("inotify_add_watch", on: folder) { inotify_add_watch(descriptor, folder, events) }
    }

    /// A watch that is gone already is no error.
    package static func remove(_ watch: CInt, from descriptor: CInt) { inotify_rm_watch(descriptor, watch) }

    /// Hands out all events that wait.
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
