/// Paths as text, without a look at the disk.
enum FilePath {
    /// Absolute: joined to `base` unless it is already, `.` and `..` and doubled slashes taken out.
    static func absolute(_ path: String, in base: String) -> String {
        clean(path.hasPrefix("/") ? path : base + "/" + path)
    }

    /// Go's `path.Clean`.
    static func clean(_ path: String) -> String {
        let isRooted = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case "..":
                if let last = parts.last, last != ".." {
                    parts.removeLast()
                } else if !isRooted {
                    parts.append(part)
                }
            default: parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        if isRooted { return "/" + joined }
        return joined.isEmpty ? "." : joined
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }

    /// `~` and `~/x` with the home folder in place of the tilde.
    static func expandingHome(_ path: String, home: String?) -> String {
        guard path.hasPrefix("~"), let home else { return path }
        let rest = path.dropFirst()
        return rest.isEmpty ? home : home + (rest.hasPrefix("/") ? "" : "/") + rest
    }
}
