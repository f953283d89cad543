import Testing
import YAML

@Suite("Writing") struct WritingTests {
    @Test(
        "a string is quoted only where it would read as something else",
        arguments: [
            ("plain", "plain"), ("", "\"\""), ("yes", "\"yes\""), ("no", "\"no\""), ("true", "\"true\""),
            ("1", "\"1\""), ("1.0", "\"1.0\""), ("0x10", "\"0x10\""), ("1_000", "\"1_000\""), ("12:30", "\"12:30\""),
            ("2020-01-01", "\"2020-01-01\""), ("~", "\"~\""), ("null", "\"null\""), (".5", "\".5\""),
            ("a: b", "'a: b'"), ("# c", "'# c'"), ("a #c", "'a #c'"), ("a#c", "a#c"), ("-", "'-'"), ("-x", "-x"),
            ("@x", "'@x'"), ("[a]", "'[a]'"), (" lead", "' lead'"), ("trail ", "'trail '"), ("?", "'?'"),
            ("it's", "it's"), ("'q'", "'''q'''"), ("tab\there", "\"tab\\there\""), ("😀", "\"\\U0001F600\""),
            ("é", "é"), ("NaN", "NaN"), ("=", "="), ("<<", "<<"), ("a:", "'a:'"), ("a,b", "a,b"), ("\u{07}", "\"\\a\""),
            ("a\nb", "|-\n  a\n  b"), ("a\nb\n", "|\n  a\n  b"), ("\na", "|2-\n\n  a"), ("a \nb", "\"a \\nb\""),
            ("x\n\n", "|+\n  x\n"), ("8080:80", "8080:80"), ("172.28.0.0/16", "172.28.0.0/16"),
        ])
    func quotes(_ text: String, _ expected: String) { #expect(YAMLScalar.text(text, indent: 2) == expected) }

    @Test(
        "what is written reads back as the same value",
        arguments: [
            "a: 1\nb: [x, {c: d, e: [f]}, [g, [h]]]\ni: {}\nj: []\nk: ~\nl: 1.5\nm: true\n",
            "a: \"x\\ny\\n\"\nb: \"\\n x\"\n\"yes\": \"no\"\n\"a b\": \"- c\"\n",
        ])
    func readsBack(_ text: String) {
        let node = parse(Array(text.utf8), file: 0).documents[0]
        #expect(parse(Array(YAMLWriter.text(node).utf8), file: 0).documents.first == node)
    }

    @Test(
        "numbers have the text that Go gives them",
        arguments: [
            (0.5, "0.5"), (1, "1"), (1.1, "1.1"), (1000, "1000"), (999_999.5, "999999.5"), (1_000_000, "1e+06"),
            (123_456_789.5, "1.234567895e+08"), (0.00001, "1e-05"), (0.0001, "0.0001"), (-2.5, "-2.5"),
            (18_446_744_073_709_551_616, "1.8446744073709552e+19"), (.infinity, "+Inf"), (100, "100"), (0, "0"),
        ] as [(Double, String)])
    func numbers(_ value: Double, _ expected: String) { #expect(ShortestNumber.text(value) == expected) }
}
