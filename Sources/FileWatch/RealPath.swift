import Glibc

/// `path`, absolute, without symbolic links, `.` and `..`; of what is not there, the part that is (realpath(3)).
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
