import Glibc
import Linux

/// The paths that the unpacked layer in `folder` changes, without folders that only lead to them. Includes opaque
/// folders and whiteouts.
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
