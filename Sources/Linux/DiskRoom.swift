import Glibc

/// Whether the file system that holds `path` has no room for anything worth writing: less than a mebibyte, or no inode, for
/// those without the right to the reserve (statvfs(3)). False where the kernel does not tell.
package func isDiskFull(at path: String) -> Bool {
    var status = statvfs()
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return false }
    let room = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    // File systems that make inodes as they need them tell of none at all.
    return room < 1 << 20 || status.f_files > 0 && status.f_favail == 0
}
