import YAML

/// Collects the errors and warnings of one Dockerfile.
package struct Findings: Sendable {
    /// More would help nobody, and a hostile file could fill the memory.
    private static let limit = 500

    package let file: String
    package private(set) var diagnostics: [Diagnostic] = []

    package init(file: String) { self.file = file }

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    package mutating func error(
        _ text: PlacedText, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []
    ) {
        error(text.span(in: file), message, hint: hint, notes: notes)
    }

    package mutating func error(
        _ place: SourceRange?, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []
    ) {
        add(Diagnostic(.error, at: place, message, hint: hint, notes: notes))
    }

    package mutating func warning(
        _ place: SourceRange?, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []
    ) {
        add(Diagnostic(.warning, at: place, message, hint: hint, notes: notes))
    }

    package mutating func add(_ diagnostic: Diagnostic) {
        guard diagnostics.count < Self.limit else { return }
        diagnostics.append(diagnostic)
    }

    /// In the order of the file.
    package var sorted: [Diagnostic] { Diagnostic.sorted(diagnostics, rank: [file: 0]) }
}
