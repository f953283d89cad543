import Glibc

/// What standard descriptors are connected to (isatty(3), ioctl_tty(2)).
package enum Terminal {
    package static let stdin = STDIN_FILENO
    package static let stdout = STDOUT_FILENO
    package static let stderr = STDERR_FILENO

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// Rows and columns; nil when it is no terminal or has no size.
    package static func size(_ descriptor: CInt) -> (rows: UInt16, columns: UInt16)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (size.ws_row, size.ws_col)
    }

    /// A line typed by a person, without its newline; nil at the end of input.
    package static func readLine() -> String? { Swift.readLine(strippingNewline: true) }
}

/// A terminal in raw mode (termios(3), cfmakeraw), put back as it was when this value ends.
package struct RawTerminal: ~Copyable {
    private let descriptor: CInt
    private let before: termios

    package init(_ descriptor: CInt) throws(SyscallError) {
        before = try Self.makeRaw(descriptor)
        self.descriptor = descriptor
    }

    private static func makeRaw(_ descriptor: CInt) throws(SyscallError) -> termios {
        var before = termios()
        try syscall("tcgetattr", on: "terminal") { tcgetattr(descriptor, &before) }
        var settings = before
        cfmakeraw(&settings)
        try syscall("tcsetattr", on: "terminal") { tcsetattr(descriptor, TCSADRAIN, &settings) }
        return before
    }

    deinit {
        var settings = before
        while tcsetattr(descriptor, TCSADRAIN, &settings) == -1, Errno.current == .interrupted {}
    }
}
