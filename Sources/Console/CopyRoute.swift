/// What is at one end of a copy.
package struct CopyEnd: Hashable, Sendable {
    /// As it was given, for messages and for what a slash or a dot at its end says.
    package var path: String
    package var exists: Bool
    package var isFolder: Bool

    package init(path: String, exists: Bool, isFolder: Bool) {
        self.path = path
        self.exists = exists
        self.isFolder = isFolder
    }

    /// It ends in a slash or a dot: only a folder can be meant.
    var wantsFolder: Bool { path.hasSuffix("/") || wantsContent }
    /// It ends in `/.`: what is in the folder, without itself.
    var wantsContent: Bool { path == "." || path == "/." || path.hasSuffix("/.") }

    var parts: [Substring] { path.split(separator: "/").filter { $0 != "." } }
}

/// Where a copy goes, by the rules of `cp -r` and `docker cp`.
package struct CopyRoute: Hashable, Sendable {
    /// The name that things get in the archive; empty for a folder's content.
    package var name: String
    /// The folder, which is there, that the archive is unpacked in.
    package var folder: String

    /// - Throws: `UsageFailure` for what cannot go there.
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

/// One side of `berth cp`: `-`, a path here, or `SERVICE:PATH`.
package enum CopyPlace: Hashable, Sendable {
    case stream
    case local(String)
    case container(String, path: String)

    /// A path here that has a colon begins with `/` or `.`.
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
