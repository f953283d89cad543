import Linux

/// The package's folder, found from this file.
let packageFolder = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

/// What Package.swift says of the targets below Sources, read as text.
struct Manifest {
    struct Target {
        var name: String
        /// Targets of this package, without products of others.
        var dependencies: [String]
    }

    let targets: [Target]

    init() throws {
        let text = try readText("\(packageFolder)/Package.swift")
        var targets: [Target] = []
        let kinds = [".target(", ".systemLibrary(", ".executableTarget("]
        var lines: [Substring] = []
        func finish() {
            let declaration = lines.joined(separator: " ")
            lines = []
            guard kinds.contains(where: declaration.contains),
                let name = Self.strings(in: declaration, after: "name:").first
            else { return }
            let dependencies = Self.strings(in: Self.withoutProducts(declaration), after: "dependencies:")
            targets.append(Target(name: name, dependencies: dependencies))
        }
        // A declaration begins at one level of indentation below `targets:` and goes on to the next one.
        for line in text.split(separator: "\n") {
            if line.hasPrefix("        .") || line.hasPrefix("    ]") { finish() }
            lines.append(line)
        }
        finish()
        self.targets = targets
    }

    private static func withoutProducts(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: ".product(") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...].drop { $0 != ")" }
        }
        return result + rest
    }

    /// The quoted words after `key`, up to the end of its value: a bracket, or the first word.
    private static func strings(in text: String, after key: String) -> [String] {
        guard let start = text.firstRange(of: key) else { return [] }
        let value = text[start.upperBound...].drop { $0 == " " }
        let isList = value.first == "["
        let end = value.firstIndex(of: isList ? "]" : ",") ?? value.endIndex
        let words = value[..<end].split(separator: "\"", omittingEmptySubsequences: false)
        return words.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}

/// A Swift file below Sources.
struct SourceFile {
    let path: String
    let imports: [String]
    let lines: Int

    init(path: String) throws {
        self.path = path
        let text = try readText(path, limit: 1 << 22)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        self.lines = lines.count - 1
        imports = lines.compactMap { line in
            var words = line.split(separator: " ")[...]
            while let first = words.first, first.hasPrefix("@") || first == "package" || first == "public" {
                words = words.dropFirst()
            }
            guard words.first == "import", var module = words.dropFirst().first else { return nil }
            if ["struct", "class", "enum", "func"].contains(module), words.count > 2 {
                module = words[words.startIndex + 2]
            }
            return module.split(separator: ".").first.map(String.init)
        }
    }

    /// Every Swift file of a target.
    static func all(of target: String) throws -> [SourceFile] { try all(below: "\(packageFolder)/Sources/\(target)") }

    private static func all(below folder: String) throws -> [SourceFile] {
        var files: [SourceFile] = []
        for name in try folderEntries(folder) {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".swift") {
                files.append(try SourceFile(path: path))
            } else if (try? folderEntries(path)) != nil {
                files += try all(below: path)
            }
        }
        return files
    }
}
