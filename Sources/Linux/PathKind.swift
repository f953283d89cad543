import Glibc

/// The kind of a path.
package enum PathKind: Hashable, Sendable {
    case nothing, folder, link, other

    /// Does not follow a link (lstat(2)).
    package static func of(_ path: String) -> PathKind {
        var status = stat()
        guard lstat(path, &status) == 0 else { return .nothing }
        return kind(status)
    }

    /// Follows a link (stat(2)).
    package static func following(_ path: String) -> PathKind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .nothing }
        return kind(status)
    }

    /// The path without links, `.` and `..`; nil when nothing is there (realpath(3)).
    package static func real(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private static func kind(_ status: stat) -> PathKind {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .other
        }
    }
}
