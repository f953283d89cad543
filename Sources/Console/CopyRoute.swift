/// One end of a copy.
package struct CopyEnd: Hashable, Sendable {
    /// As the user wrote it: for messages, and for the meaning of a slash or dot at the end.
    package var path: String
    package var exists: Bool
    package var isFolder: Bool

    package init(path: String, exists: Bool, isFolder: Bool) {
        self.path = path
        self.exists = exists
        self.isFolder = isFolder
    }

    /// It ends in a slash or a dot, so it must be a folder.
    var wantsFolder: Bool { path.hasSuffix("/") || wantsContent }
    /// It ends in `/.`: the content of the folder, without the folder itself.
    var wantsContent: Bool { path == "." || path == "/." || path.hasSuffix("/.") }

    var parts: [Substring] { path.split(separator: "/").filter { $0 != "." } }
}

/// The destination of a copy, by the rules of `cp -r` and `docker cp`.
package struct CopyRoute: Hashable, Sendable {
    /// The name of the entries in the archive; empty for a folder's content.
    package var name: String
    /// The existing folder to unpack the archive in.
    package var folder: String

    /// - Throws: `UsageFailure` for an impossible copy.
    package init(from source: CopyEnd, to target: CopyEnd) throws(UsageFailure) {
        guard !source.wantsFolder || source.isFolder else { throw UsageFailure("\(source.path): it is not a folder") }
        let own = source.parts.last.map(String.init) ?? ""
        if target.exists, target.isFolder {
            folder = target.path
            name = source.wantsContent || own == ".." ? "" : own
            return
        }
        if target.exists {
            guard !target.wantsFolder else { throw UsageFailure("\(target.path): it is not a folder") }
            guard !source.isFolder else {
                throw UsageFailure("cannot copy a folder to \(target.path), which is a file")
            }
        } else if target.wantsFolder, !source.isFolder {
            throw UsageFailure(
                "\(target.path): there is no such folder", hint: "create it first, or leave out the slash")
        }
        let parts = target.parts
        name = parts.last.map(String.init) ?? ""
        let parent = parts.dropLast().joined(separator: "/")
        folder = target.path.hasPrefix("/") ? "/\(parent)" : parent.isEmpty ? "." : parent
    }
}

/// One side of `berth cp`: `-`, a local path, or `SERVICE:PATH`.
package enum CopyPlace: Hashable, Sendable {
    case stream
    case local(String)
    case container(String, path: String)

    /// A local path with a colon must begin with `/` or `.`.
    package init(_ text: String) {
        guard text != "-" else {
            self = .stream
            return
        }
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix("."),
            !text[..<colon].contains("/"), colon != text.startIndex
        else {
            self = .local(text)
            return
        }
        let path = String(text[text.index(after: colon)...])
        self = .container(String(text[..<colon]), path: path.hasPrefix("/") ? path : "/\(path)")
    }
}
