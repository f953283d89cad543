import Linux

/// Text for one standard descriptor; a reader that went away ends the program quietly.
package final class Output {
    private let descriptor: CInt
    /// Whether a person is likely to watch.
    package let isTerminal: Bool
    /// The terminal's width in columns; nil when there is none to fit into.
    package var width: Int? { isTerminal ? Terminal.size(descriptor).map { Int($0.columns) } : nil }
    private let whenClosed: () -> Void

    /// `whenClosed` is called when the reader is gone: a closed pipe is success.
    package init(_ descriptor: CInt, whenClosed: @escaping () -> Void = {}) {
        self.descriptor = descriptor
        self.whenClosed = whenClosed
        isTerminal = Terminal.isTerminal(descriptor)
    }

    /// Writes `text` as it is.
    package func write(_ text: String) { write(bytes: Array(text.utf8)) }

    /// Writes `text` and a newline.
    package func line(_ text: String = "") { write("\(text)\n") }

    package func write(bytes: [UInt8]) {
        // Any failure: there is nobody left to tell.
        do throws(SyscallError) { try writeDescriptor(descriptor, bytes) } catch { whenClosed() }
    }
}
