import Console
import JSON
import Testing

private let value: JSONValue = [
    "Name": "web", "Count": 3, "Empty": "", "LabelMap": ["k": "v"],
    "Ports": [["URL": "0.0.0.0", "Port": 80], ["URL": "::", "Port": 81]],
]

@Test(
    "the part of Go's templates that people use",
    arguments: [
        ("{{.Name}}", "web"), ("{{ .Name }}:{{.Count}}", "web:3"), (#"a\tb"#, "a\tb"),
        ("{{json .Ports}}", #"[{"URL":"0.0.0.0","Port":80},{"URL":"::","Port":81}]"#),
        (#"{{.Label "k"}}{{.Label "none"}}"#, "v"), ("{{upper .Name}}", "WEB"), ("{{.Name | upper | len}}", "3"),
        ("{{range .Ports}}{{.URL}} {{end}}", "0.0.0.0 :: "), ("{{if .Empty}}a{{else}}b{{end}}", "b"),
        (#"{{if eq .Name "web"}}yes{{end}}"#, "yes"), ("{{.Ports}}", "[{0.0.0.0 80} {:: 81}]"),
        (#"{{join (split "a b" " ") ","}}"#, "a,b"), ("x {{- .Name -}} y", "xweby"),
        ("{{with .Name}}<{{.}}>{{end}}", "<web>"), ("{{/* nothing */}}", ""),
        ("{{if .Empty}}1{{else if .Count}}2{{else}}3{{end}}", "2"),
    ] as [(String, String)])
func renders(_ source: String, _ expected: String) throws { #expect(try GoTemplate(source).render(value) == expected) }

@Test("a field that does not exist is named, with the one that was meant")
func unknownField() throws {
    let template = try GoTemplate("{{.Nmae}}")
    let failure = #expect(throws: GoTemplate.Failure.self) { try template.render(value) }
    #expect(failure?.description.contains("there is no field \"Nmae\"; did you mean \"Name\"?") == true)
}

@Test(
    "broken templates are refused",
    arguments: ["{{", "{{.Name", "{{if .Name}}", "{{end}}", "{{nope .Name}}", "{{\"x}}", "{{}}"])
func broken(_ source: String) { #expect(throws: GoTemplate.Failure.self) { try GoTemplate(source) } }

@Test("a titled template lines up under its titles")
func titled() throws {
    guard case .template(let template, let titled) = try ListFormat(#"table {{.Name}}\t{{.Count}}"#) else {
        Issue.record("not a template")
        return
    }
    #expect(
        try ListFormat.render(template, titled: titled, [value, ["Name": "a-long-name", "Count": 1]]) == """
            NAME          COUNT
            web           3
            a-long-name   1

            """)
}
