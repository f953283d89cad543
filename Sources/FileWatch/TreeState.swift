import Glibc

/// The last known status of a path; if it is unchanged, the path need not be copied.
struct FileStamp: Hashable {
    private let mode: mode_t
    private let owner: UInt64
    private let device: dev_t
    private let inode: ino_t
    private let size: off_t
    private let modified: [Int]
    private let changed: [Int]

    init(_ status: stat) {
        mode = status.st_mode
        owner = UInt64(status.st_uid) << 32 | UInt64(status.st_gid)
        device = status.st_dev
        inode = status.st_ino
        size = status.st_size
        modified = [Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
        changed = [Int(status.st_ctim.tv_sec), Int(status.st_ctim.tv_nsec)]
    }

    var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    /// Sockets, FIFOs and devices are never source files.
    var isSource: Bool { [S_IFREG, S_IFDIR, S_IFLNK].contains(mode & S_IFMT) }

    func isSameObject(as other: FileStamp) -> Bool { device == other.device && inode == other.inode }

    /// A folder's own times change with its content, which is compared separately.
    func isSame(as other: FileStamp) -> Bool {
        guard isFolder, other.isFolder else { return self == other }
        return mode == other.mode && owner == other.owner
    }

    /// nil when nothing is there. Does not follow symbolic links.
    init?(of path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// A file or folder in its last known state.
final class TreeNode {
    var stamp: FileStamp
    var children: [String: TreeNode] = [:]
    /// The number of the folder's inotify watch.
    var watch: CInt?

    init(_ stamp: FileStamp) { self.stamp = stamp }
}
