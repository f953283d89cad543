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

    /// `C:\data`, `c:/data`, `\\server\share`: absolute on Windows, whose paths a file may name for a remote engine.
    static func isWindowsAbsolute(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(3))
        let isSeparator = { (byte: UInt8) in byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/") }
        if bytes.count > 1, isSeparator(bytes[0]), isSeparator(bytes[1]) { return true }
        return bytes.count > 2 && bytes[1] == UInt8(ascii: ":") && isSeparator(bytes[2])
    }

    /// The way from one absolute folder to another path: `../x`; `.` where they are the same.
    static func relative(_ path: String, to base: String) -> String {
        let target = clean(path).split(separator: "/")
        let start = clean(base).split(separator: "/")
        let common = zip(target, start).prefix { $0 == $1 }.count
        let parts = Array(repeating: "..", count: start.count - common) + target[common...].map(String.init)
        return parts.isEmpty ? "." : parts.joined(separator: "/")
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
