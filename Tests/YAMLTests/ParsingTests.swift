import Testing
import YAML

@Suite("Parsing") struct ParsingTests {
    private func first(_ text: String) -> Node? { parse(Array(text.utf8), file: 0).documents.first }

    @Test("every node knows its line, column and length, in characters")
    func places() throws {
        let node = try #require(first("a: é\nüü:\n  - one\n  - \"two\"\n"))
        let mapping = try #require(node.mapping)
        #expect(mapping.entries[0].value.span == Span(file: 0, line: 1, column: 4, length: 1))
        #expect(mapping.entries[1].keySpan == Span(file: 0, line: 2, column: 1, length: 2))
        #expect(mapping["üü"]?.sequence?[1].span == Span(file: 0, line: 4, column: 5, length: 5))
    }

    @Test(
        "what is wrong is said with its place",
        arguments: [
            ("a: 1\na: 2\n", "2:1 the key 'a' is given twice in one mapping"),
            ("a:\n\tb: 1\n", "2:1 a tab in the indentation"),
            ("a: [1\n", "1:4 the brackets that open here are not closed"),
            ("a: 1\nb: [x,\n  y\nc: 2\n", "2:4 the brackets that open here are not closed"),
            ("a: {b: 1\nc: 2\n", "1:4 the braces that open here are not closed"),
            ("a: [\"x\" \"y\"]\n", "1:9 expected ',' or ']'"),
            ("a: [b:]\n", "1:6 a ':' inside brackets or braces needs a space after it"),
            ("a: *\n", "1:4 no name follows '*'"),
            ("a:\n  b x\n  c: 1\n", "2:3 no ':' follows the key"),
            ("a: 1\nb x\nc: 1\n", "2:1 no ':' follows the key"),
            ("a: 1\nb:2\nc: 1\n", "2:1 no space follows the ':' of a key"),
            ("a\n\nb: 1\n", "1:1 no ':' follows the key"),
            ("a\nb:\n  c: 1\n", "1:1 no ':' follows the key"),
            (
                "a:\n   b:\n      c: 1\n    d: 2\n",
                "4:5 indented by 4, like none of the lines above that it could belong to"
            ),
            ("a:\n  -x\n  - y\n  # z\n  - w\n", "2:3 no space follows '-'"),
            ("a:\n  -x\n  - y: 1\n", "2:3 no space follows '-'"),
            ("a: 1\nb:\u{A0}2\nc: 1\n", "2:1 a no-break space (U+00A0) is not a space for YAML"),
            ("a: 1\n  b: 2\n", "2:3 'b' is indented deeper than 'a', which has a value already"),
            ("a: \"1\nb: \"2\"\n", "1:4 the quote that opens here ends only on line 2"),
            ("<<<<<<< HEAD\na: 1\n", "1:1 a merge conflict is not resolved"),
            ("a: {{ b }}\n", "1:4 '{{' begins a template, which YAML reads as a mapping in a mapping"),
            ("a: b: c\n", "1:5 a second ': ' in one value"),
            ("a: *x\n", "1:4 there is no anchor '&x' before this alias"),
            ("a: &x [*x]\n", "1:8 the alias '*x' is inside the anchor that it refers to"),
            ("1: a\n", "1:1 a key must be text, found an integer: 1"),
            ("? [a]\n: b\n", "1:3 a key must be text, found a list"),
            ("a: {<<: x}\n", "1:5 '<<' merges a mapping or a list of mappings, found a string"),
            ("a: {<<: {b: 1}, <<: {c: 1}}\n", "1:17 the key '<<' is given twice in one mapping"),
            ("a: @x\n", "1:4 this character cannot start a value"),
            ("a: 1\nb: \"c\nd: 2\n", "2:4 a quote is opened here and never closed"),
        ])
    func problems(_ text: String, _ expected: String) {
        let found = parse(Array(text.utf8), file: 0).problems.map { "\($0.span.line):\($0.span.column) \($0.message)" }
        #expect(found == [expected])
    }

    @Test(
        "where begins what is not read to its end is said too",
        arguments: [
            ("a: [\"x\" \"y\"]\n", "1:4 opened here"), ("a: {b: 1\nc: 2\n", "2:2 '}' is missing before this"),
            ("a:\n  - b\n  c: 2\n", "2:3 it would belong to the list that begins here"),
        ])
    func beginnings(_ text: String, _ expected: String) throws {
        let problem = try #require(parse(Array(text.utf8), file: 0).problems.first)
        let other = try #require(problem.other)
        #expect("\(other.span.line):\(other.span.column) \(other.message)" == expected)
    }

    @Test("what stands before a mistake is kept, up to it")
    func partial() {
        let parsed = parse(Array("a: {b: 1, c: [x, y]}\nd:\n  e: 2\n f: 3\ng: 4\n".utf8), file: 0)
        #expect(!parsed.isComplete && parsed.problems.count == 1)
        #expect(parsed.documents == [first("{a: {b: 1, c: [x, y]}, d: {e: 2}}")])
        #expect(parse(Array("a: 1".utf8), file: 0).isComplete)
    }

    @Test("bytes that are no UTF-8 are found at their line and column")
    func encoding() {
        let parsed = parse(Array("a: 1\nb: é".utf8) + [0xFF, 0x0A], file: 0)
        #expect(parsed.problems.map(\.message) == ["not valid UTF-8: byte 0xff"])
        #expect(parsed.problems.first?.span == Span(file: 0, line: 2, column: 5, length: 1))
    }

    @Test("a byte-order mark, CRLF and UTF-16 are read")
    func encodings() {
        #expect(first("\u{FEFF}a: 1\r\nb: 2\r\n")?.mapping?.keys == ["a", "b"])
        let wide = "a: ü".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(parse([0xFF, 0xFE] + wide, file: 0).documents.first?["a"]?.string == "ü")
    }

    @Test(
        "merge keys: written keys win, of several sources the first",
        arguments: [
            ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", "{a: 1, b: 3}"),
            ("x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny: {<<: [*x, *z]}", "{a: 1, c: 3}"),
            ("x: &x {a: 1}\nz: &z {<<: *x, b: 2}\ny: {<<: *z}", "{a: 1, b: 2}"),
            ("y: {<<: {a: 1}, b: 2}", "{a: 1, b: 2}"),
        ])
    func merges(_ text: String, _ expected: String) {
        #expect(first(text)?["y"] == first(expected))
    }

    @Test(
        "members are found whatever their number, in their order, after some were removed too",
        arguments: [1, 8, 9, 64, 65, 1000])
    func members(_ count: Int) {
        var mapping = Mapping()
        for number in 0..<count { mapping["key\(number)"] = Node(.integer(Int64(number))) }
        let copy = mapping
        mapping.removeAll { $0.value.integer == 0 }
        mapping["last"] = Node(.null)
        mapping["key\(count - 1)"] = Node(.bool(true))
        #expect(copy.keys == (0..<count).map { "key\($0)" })
        #expect((0..<count).allSatisfy { copy["key\($0)"]?.integer == Int64($0) })
        #expect(mapping["key0"] == nil || count == 1)
        #expect(mapping["last"]?.isNull == true && mapping["none"] == nil)
        #expect(mapping["key\(count - 1)"]?.bool == true && mapping.count == max(2, count))
    }

    @Test("two spellings of one accented letter are two keys, among few and among many", arguments: [0, 20, 100])
    func spellings(_ others: Int) {
        let text = (0..<others).map { "k\($0): 0\n" }.joined() + "\u{E9}: 1\ne\u{301}: 2\n"
        let parsed = parse(Array(text.utf8), file: 0)
        #expect(parsed.problems.isEmpty)
        #expect(parsed.documents.first?["\u{E9}"]?.integer == 1 && parsed.documents.first?["e\u{301}"]?.integer == 2)
    }

    @Test("anchors of an earlier document can be used in a later one")
    func documents() {
        let parsed = parse(Array("a: &x 1\n---\nb: *x\n".utf8), file: 0)
        #expect(parsed.documents.count == 2 && parsed.documents[1]["b"]?.integer == 1)
    }

    @Test("aliases that multiply are refused before they cost memory")
    func laughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<30 {
            let aliases = (0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let problems = parse(Array(text.utf8), file: 0).problems
        #expect(problems.first?.message.hasPrefix("aliases expand to more than") == true)
    }

    @Test("nesting is bounded", arguments: ["[", "{a: ", "- "])
    func depth(_ open: String) {
        let text = String(repeating: open, count: 20_000)
        #expect(parse(Array(text.utf8), file: 0).problems.isEmpty == false)
    }

    /// Explaining looks at many lines: finding each anew would take many minutes here.
    @Test(
        "a mistake at the end of a long file, or on each of its lines, is explained without going through it again and again",
        .timeLimit(.minutes(1)),
        arguments: [
            ("      k: x\n", "   b: 2\n", "indented by 3, like none of the lines above that it could belong to"),
            ("      ? [k]\n      : x\n", "", "a key must be text, found a list"),
        ])
    func longFile(_ line: String, _ end: String, _ expected: String) {
        let lines = (0..<40_000).map { line.replacing("k", with: "k\($0)") }.joined()
        let text = "a:\n  b:\n    c:\n\(lines)\(end)"
        #expect(parse(Array(text.utf8), file: 0).problems.first?.message == expected)
    }

    @Test("!reset and !override stay on their nodes, other tags do not matter")
    func tags() {
        let node = first("a: !reset []\nb: !override {x: 1}\nc: !foo 1\nd: !!str 1\ne: !!int \"3\"\nf: !!binary aGk=")
        #expect(node?["a"]?.tag == .reset && node?["b"]?.tag == .override)
        #expect(node?["c"]?.integer == 1 && node?["d"]?.string == "1" && node?["e"]?.integer == 3)
        #expect(node?["f"]?.string == "hi")
    }
}
