import Glibc

/// Whether the file system with `path` is full: less than a mebibyte free, or no inode, without the reserve for root
/// (statvfs(3)). False when unknown.
package func isDiskFull(at path: String) -> Bool {
    var status = statvfs()
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return false }
    let room = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    // File systems that create inodes on demand report none at all.
    return room < 1 << 20 || status.f_files > 0 && status.f_favail == 0
}
