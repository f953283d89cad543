import ComposeFile

/// The cases that are also run against docker compose: each a set of files under `/p`.
enum Corpus {
    struct Case {
        var title: String
        var files: [String: String]
        var environment: [String: String] = [:]
    }

    /// Every case of `Tests/Conformance` that needs no flags.
    static func cases() throws -> [Case] {
        try attributes() + files()
    }

    private static func lines(_ name: String) throws -> [Substring] {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let bytes = try DiskFiles().read("/\(folder)/Conformance/\(name)")
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static func attributes() throws -> [Case] {
        try lines("attributes.txt").filter { !$0.isEmpty && !$0.hasPrefix("#") }.map { line in
            let text = line.hasPrefix("!") ? "\(line.dropFirst())\n" : "services:\n  a:\n    image: i\n    \(line)\n"
            return Case(title: String(line), files: ["/p/compose.yaml": text])
        }
    }

    private static func files() throws -> [Case] {
        var cases: [Case] = []
        var name = "compose.yaml"
        var hasFlags = false
        for line in try lines("files.txt") {
            if line.hasPrefix("=== ") {
                if hasFlags { cases.removeLast() }
                hasFlags = false
                cases.append(Case(title: String(line.dropFirst(4)), files: [:]))
                name = "compose.yaml"
            } else if line.hasPrefix("+++ ") {
                name = String(line.dropFirst(4))
            } else if line.hasPrefix("@flags ") || line.hasPrefix("@config ") {
                hasFlags = true
            } else if line.hasPrefix("@env ") {
                let key = line.dropFirst(5).prefix { $0 != "=" }
                cases[cases.count - 1].environment[String(key)] = String(line[key.endIndex...].dropFirst())
            } else if !cases.isEmpty {
                cases[cases.count - 1].files["/p/\(name)", default: ""] += line + "\n"
            }
        }
        return cases
    }
}
