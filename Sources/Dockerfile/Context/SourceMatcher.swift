import YAML

/// Finds the files in a tree that the sources of COPY and ADD name.
package struct SourceMatcher<Tree: SourceTree> {
    private let tree: Tree
    private let ignored: IgnoreFile

    /// `ignored` is what .dockerignore leaves out.
    package init(_ tree: Tree, ignoring ignored: IgnoreFile = IgnoreFile()) {
        self.tree = tree
        self.ignored = ignored
    }

    /// One list for each pattern.
    /// - Throws: `SourceFailure`, and what the tree throws.
    package func matches(_ query: SourceQuery) throws -> [[SourceMatch]] {
        var excluded = IgnoreFile()
        if !query.excluded.isEmpty {
            var findings = Findings(file: "--exclude")
            excluded = IgnoreFile(
                file: "--exclude", bytes: Array(query.excluded.joined(separator: "\n").utf8), findings: &findings)
        }
        return try query.patterns.indices.map { try matches(query, $0, excluded) }
    }

    private func matches(_ query: SourceQuery, _ index: Int, _ excluded: IgnoreFile) throws -> [SourceMatch] {
        let (parts, pivot) = SourcePath.parts(of: query.patterns[index])
        let text = parts.joined(separator: "/")
        guard PathPattern(text, spansFolders: query.keepsParents) != nil else {
            throw SourceFailure.invalidPattern(index)
        }
        let hasWildcards = parts.contains(where: SourcePath.hasWildcards)
        var found: [String] = []
        if hasWildcards {
            try expand(parts[...], "", query.keepsParents, &found)
        } else {
            found = [parts.map(SourcePath.unescaped).joined(separator: "/")]
        }
        var matches: [SourceMatch] = []
        for path in found {
            if hasWildcards, ignored.excludes(path), try tree.entry(path)?.isFolder != true { continue }
            guard let entry = try follow(path, index) else {
                if hasWildcards, case .link? = try tree.entry(path)?.kind {
                    throw SourceFailure.brokenLink(pattern: index, path: path)
                }
                continue
            }
            guard !isIgnored(entry) else { continue }
            if !entry.isFolder, excluded.excludes(SourcePath.name(path)) { continue }
            var match = SourceMatch(name: SourcePath.name(path), entry: entry)
            if entry.isFolder { try collect(entry.path, "", excluded, &match.below) }
            if query.keepsParents { try addParents(path, after: pivot, &match) }
            matches.append(match)
        }
        // A pattern may match nothing: `COPY package.json yarn.lock* ./`.
        guard matches.isEmpty, !hasWildcards else { return matches }
        let isThere = try follow(found.first ?? "", index) != nil
        throw SourceFailure.missing(pattern: index, nearest: isThere ? nil : try nearestName(parts), isIgnored: isThere)
    }

    /// Whether it is excluded as a whole, with everything in it.
    private func isIgnored(_ entry: SourceEntry) -> Bool {
        guard !entry.path.isEmpty else { return false }
        return entry.isFolder ? ignored.excludesAll(in: entry.path) : ignored.excludes(entry.path)
    }

    private func expand(_ parts: ArraySlice<String>, _ base: String, _ spansFolders: Bool, _ found: inout [String])
        throws
    {
        guard let part = parts.first else { return found.append(base) }
        let rest = parts.dropFirst()
        guard SourcePath.hasWildcards(part) else {
            return try expand(rest, SourcePath.join(base, SourcePath.unescaped(part)), spansFolders, &found)
        }
        guard let folder = try follow(base, 0), folder.isFolder else { return }
        if spansFolders, part == "**" {
            if !rest.isEmpty { try expand(rest, base, spansFolders, &found) }
            for name in try tree.names(in: folder.path) {
                let path = SourcePath.join(base, name)
                let isFolder = try tree.entry(SourcePath.join(folder.path, name))?.isFolder ?? false
                if isFolder { try expand(parts, path, spansFolders, &found) }
                if rest.isEmpty, !isFolder { found.append(path) }
            }
            return
        }
        guard let pattern = PathPattern(part, spansFolders: false) else { return }
        for name in try tree.names(in: folder.path) where pattern.matches(name) {
            try expand(rest, SourcePath.join(base, name), spansFolders, &found)
        }
    }

    /// What `path` leads to; links end at the tree's root.
    private func follow(_ path: String, _ pattern: Int) throws -> SourceEntry? {
        var pending = Array(path.slashParts.reversed())
        var walked: [String] = []
        var links = 0
        while let name = pending.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = walked.popLast()
                continue
            }
            guard let entry = try tree.entry((walked + [name]).joined(separator: "/")) else { return nil }
            guard case .link(let target) = entry.kind else {
                walked.append(name)
                continue
            }
            links += 1
            guard links <= 40 else { throw SourceFailure.tooManyLinks(pattern: pattern) }
            if target.beginsWithSlash { walked = [] }
            pending += Array(target.slashParts.reversed())
        }
        return try tree.entry(walked.joined(separator: "/"))
    }

    /// Everything below `folder` that is not excluded, with links as links.
    private func collect(_ folder: String, _ path: String, _ excluded: IgnoreFile, _ result: inout [SourceEntry]) throws
    {
        for name in try tree.names(in: SourcePath.join(folder, path).trimmingSlash) {
            let relative = SourcePath.join(path, name)
            let whole = SourcePath.join(folder, relative)
            guard var entry = try tree.entry(whole) else { continue }
            let isOut = ignored.excludes(whole) || excluded.excludes(relative)
            if isOut, !entry.isFolder || ignored.excludesAll(in: whole) || excluded.excludesAll(in: relative) {
                continue
            }
            entry.path = relative
            let before = result.count
            if !isOut || entry.isFolder { result.append(entry) }
            guard entry.isFolder else { continue }
            try collect(folder, relative, excluded, &result)
            // An excluded folder from which nothing is left.
            if isOut, result.count == before + 1 { result.removeLast() }
        }
    }

    private func addParents(_ path: String, after pivot: Int, _ match: inout SourceMatch) throws {
        let parts = path.slashParts
        let kept = parts.dropFirst(pivot)
        match.path = kept.joined(separator: "/")
        for count in pivot + 1..<max(pivot + 1, parts.count) {
            let parent = parts[..<count].joined(separator: "/")
            guard var entry = try follow(parent, 0) else { continue }
            entry.path = parts[pivot..<count].joined(separator: "/")
            match.parents.append(entry)
        }
    }

    /// The most similar name in the deepest folder that exists.
    private func nearestName(_ parts: [String]) throws -> String? {
        for count in parts.indices {
            let base = parts[..<count].joined(separator: "/")
            guard !SourcePath.hasWildcards(parts[count]) else { return nil }
            if try follow((parts[...count]).joined(separator: "/"), 0) != nil { continue }
            guard let folder = try follow(base, 0), folder.isFolder else { return nil }
            // Do not offer a broken link as its own correction.
            let names = try tree.names(in: folder.path).filter { $0 != parts[count] }
            return nearest(to: parts[count], among: names).map { SourcePath.join(base, $0) }
        }
        return nil
    }
}

extension String {
    fileprivate var trimmingSlash: String {
        utf8.last == UInt8(ascii: "/") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}

/// Paths and patterns as text.
private enum SourcePath {
    /// The parts of a pattern, and how many of them come before the pivot, the first `/./`.
    static func parts(of pattern: String) -> ([String], pivot: Int) {
        var parts: [String] = []
        var pivot: Int?
        let written = pattern.slashParts
        for (index, part) in written.enumerated() {
            switch part {
            case ".": if pivot == nil, index > 0, index < written.count - 1 { pivot = parts.count }
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return (parts, min(pivot ?? 0, max(0, parts.count - 1)))
    }

    static func hasWildcards(_ part: String) -> Bool { part.contains { "*?[".contains($0) } }

    static func unescaped(_ part: String) -> String {
        var result = ""
        var isEscaped = false
        for character in part {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                result.append(character)
                isEscaped = false
            }
        }
        return result
    }

    static func name(_ path: String) -> String { path.slashParts.last ?? "" }

    static func join(_ base: String, _ name: String) -> String { base.isEmpty ? name : "\(base)/\(name)" }
}
