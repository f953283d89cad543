/// A git repository as a context or as the source of ADD: `https://host/repo.git#branch:folder`, or with
/// `?branch=…&subdir=…` behind the address.
package struct GitSource: Hashable, Sendable {
    /// The address for git.
    package var address: String
    /// A branch, a tag, a commit or a full ref; nil for the HEAD of the repository.
    package var reference: String?
    /// A folder in it, relative to its root; empty for all.
    package var folder = ""
    package var hasSubmodules = true
    package var keepsGitFolder = false
    /// What the commit's name begins with.
    package var commit: String?

    private static let schemes = ["git://", "ssh://", "git@"]

    /// nil if the text does not name a git repository.
    package init?(_ text: String) {
        let end = text.firstIndex { $0 == "#" || $0 == "?" } ?? text.endIndex
        var address = String(text[..<end])
        let isWeb = ["http://", "https://"].contains { address.hasPrefix($0) }
        if address.hasPrefix("github.com/") {
            address = "https://\(address)"
        } else if isWeb {
            guard address.hasSuffix(".git") else { return nil }
        } else if !Self.schemes.contains(where: { address.hasPrefix($0) }) {
            return nil
        }
        self.address = address
        var rest = text[end...]
        if rest.first == "?" {
            let query = rest.dropFirst().prefix { $0 != "#" }
            rest = rest.dropFirst(query.count + 1)
            guard read(query: query) else { return nil }
        }
        guard rest.first == "#" else { return }
        let fragment = rest.dropFirst()
        let name = fragment.prefix { $0 != ":" }
        if !name.isEmpty { reference = String(name) }
        if name.endIndex < fragment.endIndex { folder = String(fragment[fragment.index(after: name.endIndex)...]) }
    }

    private mutating func read(query: Substring) -> Bool {
        for field in query.split(separator: "&") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = pair.count == 2 ? pair[1] : ""
            switch pair[0] {
            case "branch": reference = "refs/heads/\(value)"
            case "tag": reference = "refs/tags/\(value)"
            case "ref": reference = value
            case "commit", "checksum":
                commit = value
                reference = reference ?? value
            case "subdir": folder = value
            case "submodules": hasSubmodules = value != "false" && value != "0"
            case "keep-git-dir": keepsGitFolder = value != "false" && value != "0"
            default: return false
            }
        }
        return true
    }

    /// The source as text that `init` reads.
    package var text: String {
        var fields: [String] = []
        if let reference { fields.append("ref=\(reference)") }
        if let commit { fields.append("commit=\(commit)") }
        if !folder.isEmpty { fields.append("subdir=\(folder)") }
        if !hasSubmodules { fields.append("submodules=false") }
        if keepsGitFolder { fields.append("keep-git-dir=true") }
        return fields.isEmpty ? address : "\(address)?\(fields.joined(separator: "&"))"
    }

    /// What a context that is a repository is called between client and engine.
    package static let contextPrefix = "git "
}
