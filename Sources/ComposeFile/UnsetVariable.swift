import YAML

/// A variable that a file uses without a value.
struct UnsetVariable {
    /// The number of further places to show.
    static let shownUses = 3
    private static let shownNames = 20

    let name: String
    /// Its first uses.
    var uses: [SourceRange]
    /// The path of the attribute that uses it first.
    let path: String?
    /// The files that led to that attribute.
    let chain: [Diagnostic.Note]

    /// One warning for all of them, so that a missing `.env` does not hide other problems.
    static func warning(_ all: [UnsetVariable], hint: String) -> Diagnostic {
        let first = all[0]
        guard all.count > 1 else {
            let others = first.uses.dropFirst().map { Diagnostic.Note(message: "also used here", place: $0) }
            return Diagnostic(
                .warning, at: first.uses.first, "the variable \(first.name) is not set: an empty string is used",
                hint: hint, path: first.path, notes: others + first.chain)
        }
        let names = all.prefix(shownNames).map(\.name).joined(separator: ", ")
        let rest = all.count > shownNames ? " … and \(all.count - shownNames) more" : ""
        let others = all.count <= shownUses + 1 ? all.dropFirst() : []
        return Diagnostic(
            .warning, at: first.uses.first,
            "\(all.count) variables are not set, an empty string is used for each: \(names)\(rest)", hint: hint,
            notes: others.map { Diagnostic.Note(message: "\($0.name) is used here", place: $0.uses.first) }
                + first.chain)
    }

    /// How to set variables, without knowledge of the project's files.
    static func advice(_ names: [String]) -> String {
        let (what, value) = words(names)
        return "set \(what) in the environment or in .env, or give \(value)"
    }

    private static func words(_ names: [String]) -> (what: String, value: String) {
        names.count == 1
            ? ("it", "a default: ${\(names[0]):-…}") : ("them", "defaults: ${\(names.first ?? "NAME"):-…}")
    }

    /// The same, with a look into the project's folder, where many projects have an example file to copy.
    static func advice(_ names: [String], _ workspace: Workspace, from source: some FileSource, _ caller: String)
        -> String
    {
        let (what, _) = words(names)
        if let file = workspace.environmentFiles.last { return "set \(what) in \(file) or in the environment" }
        let folder = workspace.projectDirectory
        func shown(_ name: String) -> String { folder == caller ? name : "\(folder)/\(name)" }
        guard let example = examples.first(where: { source.exists("\(folder)/\($0)") }) else { return advice(names) }
        if source.exists("\(folder)/.env") {
            return "set \(what) in \(shown(".env")), as \(shown(example)) shows"
        }
        return "there is an example: `cp \(shown(example)) \(shown(".env"))`, and fill it in"
    }

    private static let examples = [
        ".env.example", ".env.sample", ".env.template", ".env.dist", ".env-example", ".env-sample", ".env.default",
        ".env.defaults", ".env_example", ".example.env", "env.example", "example.env", "sample.env", "env.sample",
        "env.template", "env.dist", "default.env", ".sample.env", ".env.tpl", ".env.tmpl", "env-example",
        "dotenv.example",
    ]
}
