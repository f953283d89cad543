import Glibc

/// `path`, absolute, without symbolic links, `.` and `..`; if it does not exist, this applies to the part that does
/// (realpath(3)).
package func realPath(_ path: String) -> String {
    if let resolved = realpath(path, nil) {
        defer { free(resolved) }
        return String(cString: resolved)
    }
    let parts = path.split(separator: "/").filter { $0 != "." }
    guard let name = parts.last, name != ".." else { return path }
    let parent = realPath("/" + parts.dropLast().joined(separator: "/"))
    return parent == "/" ? "/\(name)" : "\(parent)/\(name)"
}
