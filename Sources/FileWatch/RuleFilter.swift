import Dockerfile
import ProjectModel
import YAML

/// The files that a rule of `develop.watch` applies to.
///
/// A file counts if it is `root` or below it, and matches one of the `include` patterns if there are any, and nothing
/// excludes it: the rule's `ignore`, the `.dockerignore` of the service's build, `.git`, temporary files of editors.
package struct RuleFilter: Sendable {
    /// A `.dockerignore`, and the base folder of its patterns.
    package struct ContextIgnore: Sendable {
        package var folder: String
        package var file: IgnoreFile

        package init(folder: String, file: IgnoreFile) {
            self.folder = folder
            self.file = file
        }
    }

    /// Absolute, without symbolic links.
    package let root: String
    private let include: IgnoreFile?
    private let ignored: IgnoreFile
    private let context: ContextIgnore?

    /// An invalid pattern.
    package struct InvalidPattern: Error, Hashable, CustomStringConvertible {
        /// `include` or `ignore`, and the pattern's index in it.
        package var attribute: String
        package var index: Int
        package var pattern: String
        package var hint: String?
        package var description: String { "'\(pattern)' is not a pattern" }
    }

    /// `root` is the rule's path without symbolic links.
    package init(_ rule: WatchRule, root: String, context: ContextIgnore?) throws(InvalidPattern) {
        self.root = root
        self.context = context
        include = rule.include.isEmpty ? nil : try Self.patterns(rule.include, "include")
        ignored = try Self.patterns(rule.ignore, "ignore")
    }

    private static func patterns(_ texts: [String], _ attribute: String) throws(InvalidPattern) -> IgnoreFile {
        for (index, text) in texts.enumerated() {
            var findings = Findings(file: attribute)
            _ = IgnoreFile(file: attribute, bytes: Array(text.utf8), findings: &findings)
            guard let fault = findings.diagnostics.first else { continue }
            throw InvalidPattern(attribute: attribute, index: index, pattern: text, hint: fault.hint)
        }
        var findings = Findings(file: attribute)
        return IgnoreFile(file: attribute, bytes: Array(texts.joined(separator: "\n").utf8), findings: &findings)
    }

    /// The rule applies to this file or folder.
    package func accepts(_ path: String) -> Bool {
        guard let relative = relative(path) else { return false }
        // A rule for one file: patterns only apply to files in folders.
        if relative.isEmpty { return !isIgnoredByContext(path) }
        if relative.split(separator: "/").contains(where: Self.isUsuallyIgnored) { return false }
        if let include, !include.excludes(relative) { return false }
        return !ignored.excludes(relative) && !isIgnoredByContext(path)
    }

    /// The rule cannot apply to anything in the folder `path`, so the folder can be skipped.
    package func skipsAll(in path: String) -> Bool {
        guard let relative = relative(path) else { return !root.hasPrefix(path == "/" ? path : "\(path)/") }
        if relative.isEmpty { return false }
        if relative.split(separator: "/").contains(where: Self.isUsuallyIgnored) { return true }
        if ignored.excludesAll(in: relative) { return true }
        guard let context, let inner = Self.relative(path, to: context.folder), !inner.isEmpty else { return false }
        return context.file.excludesAll(in: inner)
    }

    /// The path in the containers that corresponds to `path`, if the rule has a target.
    package func target(of path: String, below target: String) -> String? {
        guard let relative = relative(path) else { return nil }
        let base = target.hasSuffix("/") ? String(target.dropLast()) : target
        return relative.isEmpty ? (base.isEmpty ? "/" : base) : "\(base)/\(relative)"
    }

    private func relative(_ path: String) -> String? { Self.relative(path, to: root) }

    private func isIgnoredByContext(_ path: String) -> Bool {
        guard let context, let inner = Self.relative(path, to: context.folder), !inner.isEmpty else { return false }
        return context.file.excludes(inner)
    }

    /// nil when it is not below `folder`; empty when it is the folder itself.
    private static func relative(_ path: String, to folder: String) -> String? {
        if path == folder { return "" }
        let base = folder == "/" ? folder : "\(folder)/"
        return path.hasPrefix(base) ? String(path.dropFirst(base.count)) : nil
    }

    /// Names that no rule applies to: repositories, and temporary files of editors and tools.
    static func isUsuallyIgnored(_ name: Substring) -> Bool {
        switch name {
        case ".git", ".idea", "4913": return true  // 4913: Vim creates it to test write permission
        default: break
        }
        if name.hasSuffix("~") || name.hasPrefix(".#") || name.hasPrefix("#") && name.hasSuffix("#") { return true }
        if name.hasPrefix("."), [".swp", ".swx", ".swo", ".swn", ".kate-swp"].contains(where: name.hasSuffix) {
            return true
        }
        return ["___jb_old___", "___jb_tmp___", "-go-tmp-umask"].contains(where: name.hasSuffix)
    }
}
