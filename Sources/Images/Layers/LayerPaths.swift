import Glibc
import Linux

/// Where a path of the image is in unpacked layers, top first: for a folder, every layer with a part of it; for
/// anything else, one layer; nil when there is nothing at `path`. Follows links inside the image. Blocks: run it on a
/// `BlockingPool`.
package func layerPaths(of path: String, in lower: [String]) throws -> [String]? {
    guard let found = try LayerStack(lower).find(path) else { return nil }
    guard !found.isFolder else { return try found.layers.map { try $0.handle.path } }
    return ["\(try found.folder.handle.path)/\(found.name)"]
}

extension OwnedFD {
    /// The absolute path at which it was opened (proc_pid_fd(5)).
    fileprivate var path: String {
        get throws(SyscallError) {
            let link = "/proc/self/fd/\(raw)"
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = try syscall("readlink", on: link) { CInt(readlink(link, &buffer, buffer.count)) }
            return String(decoding: buffer[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
