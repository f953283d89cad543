import Dockerfile
import EngineWire
import Glibc
import Linux

package typealias ContextAnswerOf = ContextAnswer<SourceMatch, SourceFailure>

/// A folder that a build takes files from, read with this process's rights and never out of it: links that lead outside end at
/// its root.
package struct ContextFolder: Sendable {
    private let path: String
    private let ignored: IgnoreFile
    private let root: OwnedRoot
    /// What has to live as long as the folder does.
    private let owner: (any AnyObject & Sendable)?

    private final class OwnedRoot: Sendable {
        let folder: OwnedFD
        init(_ folder: consuming OwnedFD) { self.folder = folder }
    }

    /// `ignored` is what .dockerignore leaves out. The folder keeps `owner` alive.
    package init(
        _ path: String, ignoring ignored: IgnoreFile = IgnoreFile(), owner: (any AnyObject & Sendable)? = nil
    ) throws(SyscallError) {
        self.owner = owner
        self.path = path
        self.ignored = ignored
        root = OwnedRoot(try openFile(path, O_RDONLY | O_DIRECTORY))
    }

    package func matches(_ query: SourceQuery) -> ContextAnswerOf {
        do {
            return .found(try SourceMatcher(Tree(root: path), ignoring: ignored).matches(query))
        } catch let failure as SourceFailure {
            return .failed(failure)
        } catch {
            return .failed(.unreadable("\(error)"))
        }
    }

    /// Opens a file of it for reading.
    package func open(_ path: String) throws(SyscallError) -> OwnedFD {
        try root.folder.openInRoot(path, O_RDONLY | O_NONBLOCK)
    }

    /// Whether a file whose status last changed at `changed` tells by it when it changes again: one that changes twice within a
    /// tick of the kernel's clock has the same time twice. Ten milliseconds are a tick and more.
    package static func isSettled(_ changed: timespec, at now: timespec) -> Bool {
        let (seconds, rest) = (now.tv_sec - changed.tv_sec, now.tv_nsec - changed.tv_nsec)
        return seconds > 1 || seconds * 1_000_000_000 + rest > 10_000_000
    }

    private struct Tree: SourceTree {
        let root: String

        func entry(_ path: String) throws -> SourceEntry? {
            let whole = path.isEmpty ? root : "\(root)/\(path)"
            var status = stat()
            guard lstat(whole, &status) == 0 else {
                let code = Errno.current
                if [ENOENT, ENOTDIR].contains(code.rawValue) { return nil }
                throw SourceFailure.unreadable("\(whole): \(code)")
            }
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let kind: SourceEntry.Kind
            switch status.st_mode & S_IFMT {
            case S_IFREG: kind = .file
            case S_IFDIR: kind = .folder
            case S_IFLNK:
                var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
                let count = readlink(whole, &buffer, buffer.count)
                guard count >= 0 else { throw SourceFailure.unreadable("\(whole): \(Errno.current)") }
                kind = .link(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
            case S_IFIFO: kind = .node(type: S_IFIFO, device: 0)
            default: return nil  // sockets and devices are nobody's sources
            }
            return SourceEntry(
                path: path, kind: kind, mode: status.st_mode & 0o7777, size: Int64(status.st_size),
                modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
                stamp: kind == .file && isSettled(status.st_ctim, at: now)
                    ? "\(status.st_dev).\(status.st_ino) \(status.st_size) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
                    : nil,
                identity: kind == .file && status.st_nlink > 1 ? "\(status.st_dev).\(status.st_ino)" : nil)
        }

        func names(in path: String) throws -> [String] {
            let whole = path.isEmpty ? root : "\(root)/\(path)"
            do throws(SyscallError) { return try folderEntries(whole) } catch {
                throw SourceFailure.unreadable(
                    "the folder \(whole) cannot be read: \(error.code); .dockerignore can leave it out")
            }
        }
    }
}
