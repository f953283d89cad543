import JSON

/// `--format` of a listing: `table`, `json`, or a Go template; a template that begins with `table ` gets a title line.
package enum ListFormat: Sendable {
    case table
    case json
    case template(GoTemplate, titled: Bool)

    package init(_ text: String?) throws(GoTemplate.Failure) {
        switch text {
        case nil, "", "table": self = .table
        case "json": self = .json
        case let text?:
            let titled = text.hasPrefix("table ")
            let source = titled ? String(text.dropFirst("table ".count)) : text
            self = .template(try GoTemplate(source), titled: titled)
        }
    }

    /// Renders objects with a template, one line each; with titles, in columns.
    package static func render(
        _ template: GoTemplate, titled: Bool, _ objects: [JSONValue], minimum: Int = 10
    ) throws(GoTemplate.Failure) -> String {
        var lines: [String] = []
        for object in objects { lines.append(try template.render(object)) }
        guard titled else { return lines.map { "\($0)\n" }.joined() }
        let title = try template.render(titles(for: template, like: objects.first))
        var table = TextTable(title.columns, minimum: minimum)
        let count = title.columns.count
        for line in lines {
            let cells = line.columns
            table.add(Array((cells + Array(repeating: "", count: max(0, count - cells.count))).prefix(count)))
        }
        return table.render()
    }

    /// An object with a column's title in place of each value.
    private static func titles(for template: GoTemplate, like sample: JSONValue?) -> JSONValue {
        var titles = JSONObject()
        for field in template.fields { titles[field] = .string(title(field)) }
        return .object(titles)
    }

    /// `CreatedAt` → `CREATED AT`, `ID` → `ID`.
    static func title(_ field: String) -> String {
        var words = ""
        var wasUpper = true
        for character in field {
            if character.isUppercase, !wasUpper { words += " " }
            wasUpper = character.isUppercase
            words.append(character)
        }
        return words.uppercased()
    }
}

extension String {
    fileprivate var columns: [String] { split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
}
