/// The command line requests something impossible.
package struct UsageFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package let hint: String?
    package var description: String { message }

    package init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
