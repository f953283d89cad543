import YAML

/// The variables in a project's files, each once, with its default and whether it is required.
struct Variables {
    private let rows: [Template.Reference]

    /// The variables of the merged files, including included and extended ones, and of the project's name.
    init(_ result: LoadResult) {
        var rows: [String: Template.Reference] = [:]
        for reference in result.references {
            var row = rows[reference.name] ?? reference
            row.isRequired = row.isRequired || reference.isRequired
            if row.defaultValue.isEmpty { row.defaultValue = reference.defaultValue }
            if row.alternative.isEmpty { row.alternative = reference.alternative }
            rows[reference.name] = row
        }
        self.rows = rows.values.sorted { $0.name < $1.name }
    }

    func text(_ format: VariablesFormat) -> String {
        switch format {
        case .table: table()
        case .json:
            // An empty line follows, as in docker compose.
            GoJSON.text(node(["Name", "DefaultValue", "PresenceValue", "Required"]), indent: 4, html: false) + "\n\n"
        case .yaml: YAMLWriter.text(node(["name", "defaultvalue", "presencevalue", "required"]), indent: 4)
        }
    }

    /// Columns as in Go's text/tabwriter: at least 20 wide, 3 spaces apart.
    private func table() -> String {
        let cells =
            [["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"]]
            + rows.map { [$0.name, "\($0.isRequired)", $0.defaultValue, $0.alternative] }
        let widths = (0..<4).map { column in max(20, (cells.map { $0[column].count }.max() ?? 0) + 3) }
        let lines = cells.map { row in
            let padded = row.dropLast().enumerated().map { index, cell in
                cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            return padded.joined() + (row.last ?? "") + "\n"
        }
        return lines.joined()
    }

    private func node(_ keys: [String]) -> Node {
        let members = rows.map { row in
            let values: [Node.Value] = [
                .string(row.name), .string(row.defaultValue), .string(row.alternative), .bool(row.isRequired),
            ]
            return (row.name, Node(.mapping(Mapping(zip(keys, values).map { ($0, Node($1)) }))))
        }
        return Node(.mapping(Mapping(members)))
    }
}
