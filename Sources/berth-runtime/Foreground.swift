import Glibc
import Linux

/// A child in the foreground: it gets our signals, its terminal is connected to ours, and its exit status becomes ours.
struct Foreground {
    let pid: pid_t
    let terminal: CInt?

    private static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH]

    /// Waits for its end. Returns the code, or 128 and the signal.
    func wait() throws -> CInt {
        let signals = try SignalDescriptor(blocking: Self.forwarded)
        let process = try ProcessHandle(pid: pid)
        let raw = terminal.flatMap { _ in RawTerminal(descriptor: 0) }
        defer { raw?.restore() }
        if terminal != nil { copySize() }
        try relay(signals, process)
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && Errno.current == .interrupted {}
        if let terminal {
            // Its last output; nobody else writes to the terminal any more.
            while copy(from: terminal, to: 1) {}
            close(terminal)
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    private func relay(_ signals: borrowing SignalDescriptor, _ process: borrowing ProcessHandle) throws {
        if let terminal { try UnixSocket.setNonblocking(terminal) }
        var requests = [signals.pollable, process.pollable, terminal ?? -1, terminal == nil ? -1 : 0].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while true {
            try syscall("poll", on: "process \(pid)") { poll(&requests, UInt(requests.count), -1) }
            if requests[0].revents != 0 { forward(signals, process) }
            if requests[2].revents != 0, let terminal, !copy(from: terminal, to: 1) { requests[2].fd = -1 }
            if requests[3].revents != 0, let terminal, !copy(from: 0, to: terminal) { requests[3].fd = -1 }
            if requests[1].revents != 0 { return }
        }
    }

    private func forward(_ signals: borrowing SignalDescriptor, _ process: borrowing ProcessHandle) {
        guard let number = signals.next() else { return }
        if number == SIGWINCH, terminal != nil { return copySize() }
        try? process.signal(number)
    }

    private func copySize() {
        guard let terminal else { return }
        var size = winsize()
        if ioctl(0, UInt(TIOCGWINSZ), &size) == 0 { _ = ioctl(terminal, UInt(TIOCSWINSZ), &size) }
    }

    /// Whether there may be more.
    private func copy(from source: CInt, to target: CInt) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count = read(source, &buffer, buffer.count)
        if count < 0 { return Errno.current == .interrupted }
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes { write(target, $0.baseAddress?.advanced(by: done), count - done) }
            if written > 0 {
                done += written
            } else if Errno.current == .again {
                var request = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
                poll(&request, 1, -1)
            } else if Errno.current != .interrupted {
                return false
            }
        }
        return count > 0
    }
}

/// Our own terminal in raw mode: every key is passed on.
struct RawTerminal {
    private let descriptor: CInt
    private let saved: termios

    /// nil when `descriptor` is not a terminal.
    init?(descriptor: CInt) {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        self.descriptor = descriptor
        saved = settings
        cfmakeraw(&settings)
        tcsetattr(descriptor, TCSANOW, &settings)
    }

    func restore() {
        var settings = saved
        tcsetattr(descriptor, TCSADRAIN, &settings)
    }
}
