import Glibc
import Linux

/// What the unpacked layer in `folder` changes: every path in it but those of folders that only lead there. A folder that hides
/// what is below it counts, and so does the mark of something that was removed.
package func changedPaths(ofLayer folder: String) throws -> [String] {
    var paths: [String] = []
    func walk(_ folder: borrowing OwnedFD, _ prefix: String) throws {
        for name in try folder.entries() {
            let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
            guard let status = try folder.status(of: name) else { continue }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                paths.append(path)
                continue
            }
            let inner = try folder.openEntry(name, O_RDONLY | O_DIRECTORY)
            if try inner.attribute(opaqueAttribute) != nil { paths.append(path) }
            try walk(inner, path)
        }
    }
    try walk(openFile(folder, O_RDONLY | O_DIRECTORY), "")
    return paths
}
