import Glibc
import Linux

/// Where in unpacked layers, top first, something of the image lies: for a folder in every layer that has a part of it, for
/// anything else in one; nil when nothing is at `path`. Links are followed within the image. Sleeps: run it on a `BlockingPool`.
package func layerPaths(of path: String, in lower: [String]) throws -> [String]? {
    guard let found = try LayerStack(lower).find(path) else { return nil }
    guard !found.isFolder else { return try found.layers.map { try $0.handle.path } }
    return ["\(try found.folder.handle.path)/\(found.name)"]
}

extension OwnedFD {
    /// The absolute path of what it was opened as (proc_pid_fd(5)).
    fileprivate var path: String {
        get throws(SyscallError) {
            let link = "/proc/self/fd/\(raw)"
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = try syscall("readlink", on: link) { CInt(readlink(link, &buffer, buffer.count)) }
            return String(decoding: buffer[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
