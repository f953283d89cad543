import Console
import JSON

extension Session {
    /// Prints a JSON value on standard output, indented.
    func print(json value: some Encodable) throws {
        stdout.write(try JSONValue(encoding: value).text(stdout.isTerminal ? .pretty(indent: 2) : .compact))
        if !stdout.isTerminal { stdout.line() }
    }

    /// The JSON form of a listing, as in docker compose.
    enum JSONShape {
        /// One object in each line.
        case lines
        /// One array, then a blank line.
        case array
    }

    /// Prints a listing: as a table, as JSON, or with a template.
    func print(
        _ objects: @autoclosure () throws -> [JSONValue], format: ListFormat, shape: JSONShape, minimum: Int = 10,
        table: () -> String
    ) throws {
        switch format {
        case .table: stdout.write(table())
        case .json:
            let objects = try objects()
            switch shape {
            case .lines: stdout.write(objects.map { $0.text() + "\n" }.joined())
            case .array: stdout.line(JSONValue.array(objects).text())
            }
        case .template(let template, let titled):
            stdout.write(try ListFormat.render(template, titled: titled, try objects(), minimum: minimum))
        }
    }
}
