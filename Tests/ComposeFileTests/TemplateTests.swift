import ComposeFile
import Testing

@Suite("Interpolation") struct TemplateTests {
    private static let environment = ["A": "val", "E": "", "H": "${A}"]

    private func expand(_ text: String) -> String {
        do throws(Template.Failure) {
            return try Template.expand(text) {
                Self.environment[$0]
            } unset: { _ in
            }
        } catch {
            switch error {
            case .invalid(let rest): return "invalid: \(rest)"
            case .required(let name, let message, _): return "required: \(name): \(message)"
            }
        }
    }

    @Test(
        "operators, nesting and what stays as it is",
        arguments: [
            ("$A", "val"), ("${A}", "val"), ("x${A}y", "xvaly"), ("$U", ""), ("${U}", ""), ("$A.b", "val.b"),
            ("$A-b", "val-b"), ("${A:-d}", "val"), ("${E:-d}", "d"), ("${E-d}", ""), ("${U:-d}", "d"), ("${U-d}", "d"),
            ("${A:+y}", "y"), ("${E:+y}", ""), ("${E+y}", "y"), ("${U:+y}", ""), ("${U+y}", ""), ("${A:?m}", "val"),
            ("${E?m}", ""), ("${E:?m}", "required: E: m"), ("${U?m}", "required: U: m"), ("${U:?}", "required: U: "),
            ("${U:?need $A}", "required: U: need val"), ("$$A", "$A"), ("$$${A}", "$val"), ("$", "$"), ("$ A", "$ A"),
            ("$1", "$1"), ("$(A)", "$(A)"), ("$[A]", "$[A]"), ("$é", "$é"), ("100%", "100%"),
            ("${U:-x?y}", "x?y"), ("${U-a:-b}", "a:-b"), ("${U--5}", "-5"), ("${U:-:}", ":"),
            ("${U?x:-y}", "required: U: x:-y"),
            ("${U:-${V:-${A}}}", "val"), ("${U:-a}b}", "ab}"), ("${U:-{a}}", "{a}"), ("${U:-a\\}b}", "a\\b}"),
            ("$H", "${A}"), ("${A:-${U:?never looked at}}", "val"),
            ("${A", "invalid: ${A"), ("${}", "invalid: ${}"), ("${ A}", "invalid: ${ A}"), ("${A }", "invalid: ${A }"),
            ("${1}", "invalid: ${1}"), ("${A:}", "invalid: ${A:}"), ("${A:x}", "invalid: ${A:x}"),
            ("${A=d}", "invalid: ${A=d}"), ("${A.b}", "invalid: ${A.b}"), ("${A[0]}", "invalid: ${A[0]}"),
            ("${!A}", "invalid: ${!A}"), ("${#A}", "invalid: ${#A}"), ("${A/x/y}", "invalid: ${A/x/y}"),
            ("ok ${A} ${", "invalid: ${"),
        ])
    func expands(_ text: String, _ expected: String) { #expect(expand(text) == expected) }

    @Test("nesting without end is refused")
    func nesting() {
        let text = String(repeating: "${U:-", count: 5000) + String(repeating: "}", count: 5000)
        #expect(expand(text).hasPrefix("invalid"))
    }

    @Test("references are found with their texts, nested ones too")
    func references() {
        let found = Template.references(in: "$A ${B:-x${C}} ${D:?m} ${E:+y} $$F")
        #expect(found.map(\.name) == ["A", "B", "C", "D", "E"])
        #expect(found[1].defaultValue == "x${C}" && found[3].isRequired && found[4].alternative == "y")
    }
}

@Suite("Environment files") struct DotEnvTests {
    private func values(_ text: String, _ environment: [String: String] = [:]) -> String {
        do throws(DotEnv.Failure) {
            let values = try DotEnv.parse(Array(text.utf8), lookup: { environment[$0] })
            return values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "|")
        } catch {
            return "line \(error.line): \(error.message)"
        }
    }

    @Test(
        "statements, quotes, escapes and comments",
        arguments: [
            ("A=1", "A=1"), ("A = 1 ", "A=1"), ("export A=1", "A=1"), ("A: 1", "A=1"), ("A:B=1", "A=B=1"),
            ("# c\n\nA=1\n", "A=1"), ("A=1 # c", "A=1"), ("A=1#c", "A=1#c"), ("A=#c", "A=#c"), ("A=", "A="),
            ("A='x $B'", "A=x $B"), ("A='it\\'s'", "A=it's"), ("A=\"a\\nb\"", "A=a\nb"), ("A=\"a\nb\"", "A=a\nb"),
            ("A='a\nb'\nB=2", "A=a\nb|B=2"), ("A=1\nB=$A", "A=1|B=1"), ("A=1\nB=\"x${A}y\"", "A=1|B=x1y"),
            ("A=\"\\$B\"", "A=$B"), ("A=$$B", "A=$B"), ("A=a\\nb", "A=a\\nb"), ("A=\"\\x41\"", "A=\\x41"),
            ("A=\"\\0101\"", "A=A"), ("A=it's", "A=it's"), ("A=1\nA=2", "A=2"), ("A=1\r\nB=2\r\n", "A=1|B=2"),
            ("\u{FEFF}A=1", "A=1"), ("A.b-c[0]=1", "A.b-c[0]=1"), ("1A=x", "1A=x"), ("ä=1", "ä=1"),
            ("A=\"x\" # c", "A=x"), ("A=${U:-d}", "A=d"), ("A=1\n\n\n# end", "A=1"), ("A='x'\nB='y'", "A=x|B=y"),
            ("A B=1", "line 1: a key cannot contain a space: 'A B'"),
            ("ok=1\nA$B=x", "line 2: unexpected character '$' in a variable's name"),
            ("A=\"x", "line 1: a quote that is opened here is not closed"),
            ("A=${", "line 1: '${' is not a valid substitution"),
            ("A=${U?e}", "line 1: the variable U is required: e"),
        ])
    func parses(_ text: String, _ expected: String) { #expect(values(text) == expected) }

    @Test("the environment wins inside values, and gives what a name alone asks for")
    func environment() {
        #expect(values("A=1\nB=$A", ["A": "os"]) == "A=1|B=os")
        #expect(values("A\nB\nC=1\nA", ["A": "os"]) == "A=os|C=1")
    }

    @Test(
        "the raw form takes values as they stand",
        arguments: [
            ("A=\"x\" # y", "A=\"x\" # y"), ("  B=$A ", "B=$A "), ("# c\nA=1", "A=1"), ("X", "X=env"), ("Y", ""),
            ("A B=1", "line 1: the name 'A B' contains spaces"), ("=x", "line 1: there is no name before '='"),
        ])
    func raw(_ text: String, _ expected: String) {
        let found: String
        do throws(DotEnv.Failure) {
            let values = try DotEnv.parseRaw(Array(text.utf8)) { $0 == "X" ? "env" : nil }
            found = values.map { "\($0.key)=\($0.value)" }.joined(separator: "|")
        } catch {
            found = "line \(error.line): \(error.message)"
        }
        #expect(found == expected)
    }
}
