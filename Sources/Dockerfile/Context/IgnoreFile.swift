import YAML

/// What a `.dockerignore` excludes from a build context.
package struct IgnoreFile: Sendable {
    package struct Rule: Hashable, Sendable {
        /// As in the file, without the `!`.
        package var text: String
        package var isException: Bool
        fileprivate var pattern: PathPattern
        /// The number of folders in it, for matching parents.
        fileprivate var folders: [PathPattern]
    }

    package private(set) var rules: [Rule] = []
    /// Files inside excluded folders may stay.
    package var hasExceptions: Bool { rules.contains(where: \.isException) }

    package init() {}

    /// Reads the lines of a file; invalid patterns become findings.
    package init(file: String, bytes: [UInt8], findings: inout Findings) {
        let source = SourceLines(file: file, bytes: bytes)
        for line in source.lines {
            if line.scalars.first == "#" { continue }
            var text = line.placed.trimmed
            guard !text.isEmpty else { continue }
            var isException = false
            if text[0] == "!" {
                isException = true
                text = text[1..<text.count].trimmed
                guard !text.isEmpty else {
                    findings.error(line.placed, "'!' needs a pattern", hint: "write !path, or remove the line")
                    continue
                }
            }
            let path = Self.cleaned(text.text)
            guard let pattern = PathPattern(path, spansFolders: true) else {
                findings.error(
                    text, "invalid pattern '\(text)'", hint: "close the [ with ], or write \\[ for a bracket")
                continue
            }
            rules.append(Rule(text: path, isException: isException, pattern: pattern, folders: Self.prefixes(of: path)))
        }
    }

    /// The patterns of the parent folders: for `a/b/c`, those of `a` and `a/b`.
    private static func prefixes(of path: String) -> [PathPattern] {
        let parts = path.slashParts
        return parts.indices.dropLast().compactMap {
            PathPattern(parts[...$0].joined(separator: "/"), spansFolders: true)
        }
    }

    /// Whether `path` (relative to the context, without `./`) is excluded.
    ///
    /// The last rule that matches decides; a rule for a folder counts for all that is in it.
    package func excludes(_ path: String) -> Bool {
        let parents = Self.parents(of: path)
        var isExcluded = false
        for rule in rules where rule.isException == isExcluded {
            if rule.pattern.matches(path) || parents.contains(where: rule.pattern.matches) {
                isExcluded = !rule.isException
            }
        }
        return isExcluded
    }

    /// Whether everything in the folder `path` is excluded.
    package func excludesAll(in path: String) -> Bool {
        guard excludes(path) else { return false }
        return !rules.contains { rule in
            guard rule.isException else { return false }
            if rule.text.hasPrefix("**") || rule.text.hasPrefix("*") { return true }
            return rule.folders.contains { $0.matches(path) } || rule.text == path
                || Self.parents(of: path).contains { parent in
                    rule.folders.contains { $0.matches(parent) } && rule.text.contains("*")
                }
        }
    }

    private static func parents(of path: String) -> [String] {
        let parts = path.slashParts
        return parts.indices.dropLast().map { parts[...$0].joined(separator: "/") }
    }

    /// Without `.`, `..` and doubled slashes, and without a slash at its start: as Go's `path.Clean`.
    static func cleaned(_ path: String) -> String {
        var parts: [String] = []
        for part in path.slashParts where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        if path.beginsWithSlash { parts = Array(parts.drop { $0 == ".." }) }
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }
}
