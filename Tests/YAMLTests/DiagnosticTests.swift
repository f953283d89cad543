import Testing
import YAML

@Suite("Diagnostics") struct DiagnosticTests {
    private let place = SourceRange(file: "compose.yaml", line: 12, column: 5, length: 4)

    @Test("a diagnostic shows place, line, caret under the whole span, path, hint and notes")
    func renders() {
        let diagnostic = Diagnostic(
            .error, at: place, "'imge' is not an attribute of a service", hint: "did you mean 'image'?",
            path: "services.web.imge",
            notes: [.init(message: "included from here", place: SourceRange(file: "a", line: 1, column: 2, length: 1))])
        #expect(
            diagnostic.render(over: "    imge: nginx") == """
                compose.yaml:12:5: error: 'imge' is not an attribute of a service
                12 |     imge: nginx
                   |     ^^^^
                  path: services.web.imge
                  hint: did you mean 'image'?
                  a:1:2: note: included from here
                """)
    }

    @Test("tabs before the span are kept, so that the caret stands under it")
    func tabs() {
        let diagnostic = Diagnostic(.warning, at: SourceRange(file: "f", line: 1, column: 2, length: 1), "m")
        #expect(diagnostic.render(over: "\tx") == "f:1:2: warning: m\n1 | \tx\n  | \t^")
    }

    @Test("of a very long line only the part around the span is shown")
    func longLines() {
        let line = String(repeating: "x", count: 100_000)
        let diagnostic = Diagnostic(.error, at: SourceRange(file: "f", line: 1, column: 50_000, length: 9_000), "m")
        #expect(diagnostic.render(over: line).utf8.count < 600)
    }

    @Test("control characters of a file do not reach the terminal")
    func controls() {
        let diagnostic = Diagnostic(.error, at: SourceRange(file: "f", line: 1, column: 1, length: 1), "m")
        #expect(!diagnostic.render(over: "a\u{1B}[31mb").contains("\u{1B}"))
    }

    @Test("they are sorted by file, line and column, each once")
    func sorted() {
        func at(_ file: String, _ line: Int) -> Diagnostic {
            Diagnostic(.error, at: SourceRange(file: file, line: line, column: 1, length: 1), "m")
        }
        let none = Diagnostic(.error, at: nil, "m")
        let sorted = Diagnostic.sorted([at("b", 1), at("a", 9), at("a", 2), at("a", 9), none], rank: ["a": 0, "b": 1])
        #expect(sorted == [none, at("a", 2), at("a", 9), at("b", 1)])
    }
}
