import Dockerfile
import Testing

@Suite("Words are expanded as the Dockerfile reference says") struct WordLexerTests {
    static let values = variables("PWD=/home A=a EMPTY= PATH=/usr/local/bin/x.tar.gz U=ünï STAR=a*c N=1")

    @Test(
        "text",
        arguments: [
            ("hello", "hello"), ("he'll'o", "hello"), ("he\"ll\"o", "hello"), ("he\\'llo", "he'llo"),
            ("'he\\llo'", "he\\llo"),
            ("\"he\\llo\"", "he\\llo"), ("\"he\\\"llo\"", "he\"llo"), ("\"he\\\\llo\"", "he\\llo"), ("'$PWD'", "$PWD"),
            ("\"$PWD\"", "/home"), ("\\$PWD", "$PWD"), ("\"\\$PWD\"", "$PWD"), ("$PWD", "/home"), ("${PWD}", "/home"),
            ("$PWDx", ""), ("${PWD}x", "/homex"), ("$", "$"), ("a$", "a$"), ("$.", "$."), ("$$", ""), ("$1", ""),
            ("$12x", "x"),
            ("$@x", "x"), ("$NONE", ""), ("x${NONE}y", "xy"), ("${A}${A}", "aa"), ("$A$N", "a1"), ("$A-$N", "a-1"),
            ("${NONE:-d}", "d"), ("${NONE-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${A:-d}", "a"),
            ("${A-d}", "a"),
            ("${NONE:-}", ""), ("${NONE:-$A}", "a"), ("${NONE:-${A}b}", "ab"), ("${NONE:-${X:-${Y:-deep}}}", "deep"),
            ("${NONE:-'a b'}", "a b"), ("${NONE:-\"}\"}", "}"), ("${NONE:-\\}}", "}"), ("a${NONE:-b}c", "abc"),
            ("${A:+w}", "w"), ("${A+w}", "w"), ("${EMPTY:+w}", ""), ("${EMPTY+w}", "w"), ("${NONE:+w}", ""),
            ("${NONE+w}", ""),
            ("${A:?e}", "a"), ("${A?e}", "a"), ("${EMPTY?e}", ""),
            ("${PATH#*/}", "usr/local/bin/x.tar.gz"), ("${PATH##*/}", "x.tar.gz"),
            ("${PATH%.*}", "/usr/local/bin/x.tar"),
            ("${PATH%%.*}", "/usr/local/bin/x"), ("${PATH#/usr}", "/local/bin/x.tar.gz"),
            ("${PATH#usr}", "/usr/local/bin/x.tar.gz"),
            ("${PATH%gz}", "/usr/local/bin/x.tar."), ("${A#?}", ""), ("${A%?}", ""), ("${STAR#a\\*}", "c"),
            ("${STAR%\\*c}", "a"),
            ("${NONE#x}", ""), ("${U#?}", "nï"), ("${U%?}", "ün"),
            ("${PATH/local/opt}", "/usr/opt/bin/x.tar.gz"), ("${PATH//\\//_}", "_usr_local_bin_x.tar.gz"),
            ("${PATH/./-}", "/usr/local/bin/x-tar.gz"), ("${PATH//./-}", "/usr/local/bin/x-tar-gz"),
            ("${PATH/*/x}", "x"), ("${PATH/nothing/x}", "/usr/local/bin/x.tar.gz"),
            ("${PATH//l/}", "/usr/oca/bin/x.tar.gz"),
            ("${A/a/${N}}", "1"), ("${A/$A/x}", "x"), ("${PATH/u?r/x}", "/x/local/bin/x.tar.gz"),
            ("a\\ b", "a b"), ("trailing\\", "trailing"), ("'a'\"b\"c", "abc"), ("\"it's\"", "it's"),
            ("'say \"x\"'", "say \"x\""),
            ("a<b", "a<b"), ("a<<b", "a<<b"), ("äöü$A", "äöüa"), ("$ä", ""), ("\"$NONE\"", ""), ("\"a\\nb\"", "a\\nb"),
        ])
    func text(word: String, expected: String) throws {
        let lexer = WordLexer(escape: "\\")
        let expansion = try lexer.expand(PlacedText(word.unicodeScalars, line: 1)) { Self.values[$0] }
        #expect(expansion.text == expected)
    }

    @Test(
        "words",
        arguments: [
            ("a b", ["a", "b"]), ("  a   b  ", ["a", "b"]), ("'a b' c", ["a b", "c"]), ("a\\ b c", ["a b", "c"]),
            ("$LIST", ["x", "y", "z"]), ("\"$LIST\"", ["x y z"]), ("a$LIST b", ["ax", "y", "z", "b"]), ("$NONE", []),
            ("''", []),
            ("a${NONE:-b c}d", ["ab", "cd"]), ("\"\"a", ["a"]), ("80 443/udp", ["80", "443/udp"]),
        ])
    func words(text: String, expected: [String]) throws {
        let lexer = WordLexer(escape: "\\")
        let expansion = try lexer.expand(PlacedText(text.unicodeScalars, line: 1)) { $0 == "LIST" ? "x y z" : nil }
        #expect(expansion.words.map(\.text) == expected)
    }

    @Test(
        "the escape character is the file's",
        arguments: [("`$A", "$A"), ("C:\\$A", "C:\\a"), ("\"`\"\"", "\""), ("a` b", "a b")])
    func backtick(word: String, expected: String) throws {
        let lexer = WordLexer(escape: "`")
        #expect(try lexer.expand(PlacedText(word.unicodeScalars, line: 1)) { Self.values[$0] }.text == expected)
    }

    @Test(
        "what cannot be expanded says why and where",
        arguments: [
            ("a'b", "the quote that opens here is not closed", 1..<2),
            ("\"ab", "the quote that opens here is not closed", 0..<1),
            ("${A", "'}' is missing at the end of the variable", 0..<3),
            ("${", "'}' is missing at the end of the variable", 0..<2),
            ("${}", "this substitution has no variable name", 0..<3),
            ("x${{A}}", "this substitution has no variable name", 1..<4),
            ("${A:=x}", "unknown operator ':=' in a substitution", 0..<4),
            ("${A,}", "unknown operator ',' in a substitution", 0..<4),
            ("${A:#x}", "unknown operator ':#' in a substitution", 0..<4),
            ("${NONE:?no luck}", "NONE: no luck", 0..<16),
            ("${NONE?}", "NONE: has no value", 0..<8), ("${EMPTY:?}", "EMPTY: is empty", 0..<10),
            ("${A:-b", "'}' is missing in the variable that begins here", 0..<6),
            ("${A/b", "'/' is missing in the variable that begins here", 0..<5),
            ("${A#\\x}", "the pattern '\\x' escapes a character that needs no escape", 0..<7),
        ])
    func failures(word: String, message: String, range: Range<Int>) {
        #expect(throws: WordLexer.Failure.self) {
            do throws(WordLexer.Failure) {
                _ = try WordLexer(escape: "\\").expand(PlacedText(word.unicodeScalars, line: 1)) { Self.values[$0] }
            } catch {
                #expect(error.message == message)
                #expect(error.range == range)
                throw error
            }
        }
    }

    @Test("very deep nesting is an error, not a crash")
    func nesting() {
        let text = String(repeating: "${A:+", count: 100_000) + String(repeating: "}", count: 100_000)
        #expect(throws: WordLexer.Failure.self) {
            _ = try WordLexer(escape: "\\").expand(PlacedText(text.unicodeScalars, line: 1)) { _ in "x" }
        }
    }

    @Test("what was used and what has no value is told with its place")
    func uses() throws {
        let text = PlacedText("a $A ${NONE:-x}".unicodeScalars, line: 1)
        let expansion = try WordLexer(escape: "\\").expand(text) { Self.values[$0] }
        #expect(expansion.used.map(\.name) == ["A"])
        #expect(expansion.unset.map(\.name) == ["NONE"])
        #expect(expansion.used.first?.range == 2..<4)
    }
}
