import Linux

/// Operations on paths as text, without access to the disk.
enum FilePath {
    /// The absolute path: joins a relative one to `base`, and removes `.`, `..` and doubled slashes.
    static func absolute(_ path: String, in base: String) -> String {
        clean(path.isAbsolutePath ? path : base + "/" + path)
    }

    /// Go's `path.Clean`.
    static func clean(_ path: String) -> String {
        var copy = path
        return copy.withUTF8 { isClean($0) ? path : cleaned($0) }
    }

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    /// Every part is a name. False also for some clean paths, those that start with `..`; they take the slower way.
    private static func isClean(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let last = path.last else { return false }
        if last == slash { return path.count == 1 }
        var length = 0
        var dots = 0
        for (index, byte) in path.enumerated() {
            if byte == slash {
                if index > 0, length == 0 || length == dots && dots <= 2 { return false }
                length = 0
                dots = 0
            } else {
                length += 1
                if byte == dot { dots += 1 }
            }
        }
        return length > dots || dots > 2
    }

    private static func cleaned(_ path: UnsafeBufferPointer<UInt8>) -> String {
        let isRooted = path.first == slash
        var result: [UInt8] = isRooted ? [slash] : []
        result.reserveCapacity(path.count)
        // The prefix that `..` cannot remove.
        var fixed = result.count
        func append(_ part: some Collection<UInt8>) {
            if let last = result.last, last != slash { result.append(slash) }
            result.append(contentsOf: part)
        }
        for part in path.split(separator: slash) {
            if part.elementsEqual(CollectionOfOne(dot)) { continue }
            if !part.elementsEqual(repeatElement(dot, count: 2)) {
                append(part)
            } else if result.count > fixed {
                let end = result.lastIndex(of: slash) ?? 0
                result.removeLast(result.count - max(end, fixed))
            } else if !isRooted {
                append(part)
                fixed = result.count
            }
        }
        return result.isEmpty ? "." : String(decoding: result, as: UTF8.self)
    }

    /// `C:\data`, `c:/data`, `\\server\share`: absolute on Windows. A file may contain such paths for a remote engine.
    static func isWindowsAbsolute(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(3))
        let isSeparator = { (byte: UInt8) in byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/") }
        if bytes.count > 1, isSeparator(bytes[0]), isSeparator(bytes[1]) { return true }
        return bytes.count > 2 && bytes[1] == UInt8(ascii: ":") && isSeparator(bytes[2])
    }

    /// The relative path from one absolute folder to another path: `../x`; `.` if they are equal.
    static func relative(_ path: String, to base: String) -> String {
        let target = clean(path).pathParts
        let start = clean(base).pathParts
        let common = zip(target, start).prefix { $0.hasSameBytes(as: $1) }.count
        let parts = Array(repeating: "..", count: start.count - common) + target[common...]
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastSlash else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.pathParts.last ?? ""
    }

    /// Replaces the tilde of `~` and `~/x` by the home folder.
    static func expandingHome(_ path: String, home: String?) -> String {
        guard path.hasPrefix("~"), let home else { return path }
        let rest = path.dropFirst()
        return rest.isEmpty ? home : home + (rest.isAbsolutePath ? "" : "/") + rest
    }
}
