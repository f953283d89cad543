import Dockerfile
import ProjectModel
import YAML

/// Which files a rule of `develop.watch` is about.
///
/// A file counts when it is `root` or below it, matches one of the `include` patterns where there are any, and is left out by
/// none of: the rule's `ignore`, the `.dockerignore` of the service's build, `.git`, the files that editors make for themselves.
package struct RuleFilter: Sendable {
    /// A `.dockerignore`, and the folder that its patterns are relative to.
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

    /// A pattern that makes no sense.
    package struct InvalidPattern: Error, Hashable, CustomStringConvertible {
        /// `include` or `ignore`, and the pattern's place in it.
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

    /// The rule is about this file or folder.
    package func accepts(_ path: String) -> Bool {
        guard let relative = relative(path) else { return false }
        // A rule for one file: patterns are for what is in folders.
        if relative.isEmpty { return !isIgnoredByContext(path) }
        if relative.split(separator: "/").contains(where: Self.isUsuallyIgnored) { return false }
        if let include, !include.excludes(relative) { return false }
        return !ignored.excludes(relative) && !isIgnoredByContext(path)
    }

    /// Nothing in the folder `path` can be what the rule is about, so that nobody has to look into it.
    package func skipsAll(in path: String) -> Bool {
        guard let relative = relative(path) else { return !root.hasPrefix(path == "/" ? path : "\(path)/") }
        if relative.isEmpty { return false }
        if relative.split(separator: "/").contains(where: Self.isUsuallyIgnored) { return true }
        if ignored.excludesAll(in: relative) { return true }
        guard let context, let inner = Self.relative(path, to: context.folder), !inner.isEmpty else { return false }
        return context.file.excludesAll(in: inner)
    }

    /// Where `path` is in the containers, when the rule has a target.
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

    /// What no rule is about: repositories, and what editors and tools write beside a file while they work on it.
    static func isUsuallyIgnored(_ name: Substring) -> Bool {
        switch name {
        case ".git", ".idea", "4913": return true  // 4913: Vim tries whether it may write
        default: break
        }
        if name.hasSuffix("~") || name.hasPrefix(".#") || name.hasPrefix("#") && name.hasSuffix("#") { return true }
        if name.hasPrefix("."), [".swp", ".swx", ".swo", ".swn", ".kate-swp"].contains(where: name.hasSuffix) {
            return true
        }
        return ["___jb_old___", "___jb_tmp___", "-go-tmp-umask"].contains(where: name.hasSuffix)
    }
}
