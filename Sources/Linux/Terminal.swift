import Glibc

/// The terminals behind standard descriptors (isatty(3), ioctl_tty(2)).
package enum Terminal {
    package static let stdin = STDIN_FILENO
    package static let stdout = STDOUT_FILENO
    package static let stderr = STDERR_FILENO

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// Rows and columns; nil when it is not a terminal or has no size.
    package static func size(_ descriptor: CInt) -> (rows: UInt16, columns: UInt16)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (size.ws_row, size.ws_col)
    }

    /// A line typed by a person, without its newline; nil at the end of input.
    package static func readLine() -> String? { Swift.readLine(strippingNewline: true) }
}

/// Runs `body` with the terminal in raw mode (termios(3), cfmakeraw) and restores it however `body` ends.
package func withRawTerminal<Result>(_ descriptor: CInt, _ body: () throws -> Result) throws -> Result {
    var before = termios()
    try syscall("tcgetattr", on: "terminal") { tcgetattr(descriptor, &before) }
    var settings = before
    cfmakeraw(&settings)
    try syscall("tcsetattr", on: "terminal") { tcsetattr(descriptor, TCSADRAIN, &settings) }
    defer { while tcsetattr(descriptor, TCSADRAIN, &before) == -1, Errno.current == .interrupted {} }
    return try body()
}
