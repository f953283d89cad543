import Linux

/// Writes text to a standard descriptor. If the reader has gone, the program ends silently.
package final class Output {
    private let descriptor: CInt
    /// Whether a person probably watches.
    package let isTerminal: Bool
    /// The terminal's width in columns; nil without a terminal.
    package var width: Int? { isTerminal ? Terminal.size(descriptor).map { Int($0.columns) } : nil }
    private let whenClosed: () -> Void

    /// `whenClosed` runs when the reader has gone: a closed pipe is success.
    package init(_ descriptor: CInt, whenClosed: @escaping () -> Void = {}) {
        self.descriptor = descriptor
        self.whenClosed = whenClosed
        isTerminal = Terminal.isTerminal(descriptor)
    }

    /// Writes `text` unchanged.
    package func write(_ text: String) { write(bytes: Array(text.utf8)) }

    /// Writes `text` and a newline.
    package func line(_ text: String = "") { write("\(text)\n") }

    package func write(bytes: [UInt8]) {
        // After any failure, nobody is left to read the output.
        do throws(SyscallError) { try writeDescriptor(descriptor, bytes) } catch { whenClosed() }
    }
}
