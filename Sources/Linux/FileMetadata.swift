import CLinux
import Glibc

/// Owner and group of a file, as numbers.
package struct Ownership: Hashable, Sendable {
    package var user: uid_t
    package var group: gid_t

    package init(user: uid_t, group: gid_t) {
        self.user = user
        self.group = group
    }
}

extension OwnedFD {
    /// Changes the owner of `name`; of a symbolic link, its own (fchownat(2)).
    package func setOwner(of name: String, _ owner: Ownership) throws(SyscallError) {
        try syscall("fchownat", on: name) { fchownat(raw, name, owner.user, owner.group, AT_SYMLINK_NOFOLLOW) }
    }

    /// Changes the owner of the open file. This clears set-user-ID bits and capabilities, so set mode and attributes
    /// afterwards.
    package func setOwner(_ owner: Ownership) throws(SyscallError) {
        try syscall("fchown", on: "fd \(raw)") { fchown(raw, owner.user, owner.group) }
    }

    /// Sets the permissions of `name`, which must not be a symbolic link, because Linux would follow it (fchmodat(2)).
    package func setMode(of name: String, _ mode: mode_t) throws(SyscallError) {
        try syscall("fchmodat", on: name) { fchmodat(raw, name, mode, 0) }
    }

    /// Sets the permissions of the open file (fchmod(2)).
    package func setMode(_ mode: mode_t) throws(SyscallError) {
        try syscall("fchmod", on: "fd \(raw)") { fchmod(raw, mode) }
    }

    /// Sets access and modification time of `name`; of a symbolic link, its own (utimensat(2)).
    package func setTimes(of name: String, access: timespec, modification: timespec) throws(SyscallError) {
        let times = [access, modification]
        try syscall("utimensat", on: name) { utimensat(raw, name, times, AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets access and modification time of the open file (futimens(3)).
    package func setTimes(access: timespec, modification: timespec) throws(SyscallError) {
        let times = [access, modification]
        try syscall("futimens", on: "fd \(raw)") { futimens(raw, times) }
    }

    /// Sets an extended attribute of the open file (fsetxattr(2)).
    package func setAttribute(_ name: String, _ value: [UInt8]) throws(SyscallError) {
        try syscall("fsetxattr", on: name) { berth_fsetxattr(raw, name, value, value.count) }
    }

    /// An extended attribute of the open file; nil when it has none with that name.
    package func attribute(_ name: String) throws(SyscallError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 65536)  // XATTR_SIZE_MAX
        let count = berth_fgetxattr(raw, name, &value, value.count)
        let code = Errno.current
        if count >= 0 { return Array(value[..<count]) }
        if code.rawValue == ENODATA || code == .notSupported { return nil }
        throw SyscallError(call: "fgetxattr", object: name, code: code)
    }

    /// The names of the open file's extended attributes; empty if the file system does not support them.
    package func attributeNames() throws(SyscallError) -> [String] {
        var list = [CChar](repeating: 0, count: 65536)  // XATTR_LIST_MAX
        let count = berth_flistxattr(raw, &list, list.count)
        let code = Errno.current
        if count < 0 {
            if code == .notSupported { return [] }
            throw SyscallError(call: "flistxattr", object: "fd \(raw)", code: code)
        }
        return list[..<count].split(separator: 0).map { name in
            String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Waits until everything written to the file system of this descriptor is on its disk (syncfs(2)).
    package func syncFileSystem() throws(SyscallError) {
        try syscall("syncfs", on: "fd \(raw)") { berth_syncfs(raw) }
    }
}

/// The number of a device node (makedev(3)).
package func deviceNumber(major: UInt32, minor: UInt32) -> dev_t { dev_t(berth_makedev(major, minor)) }

extension OwnedFD {
    /// Writes all of `bytes` at `offset`, without moving the file offset (pwrite(2)).
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SyscallError) {
        var done = 0
        while done < bytes.count {
            done += try syscall("pwrite", on: "fd \(raw)") {
                pwrite(raw, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + done)
            }
        }
    }

    /// Truncates the file to `length` bytes, or extends it with a hole (ftruncate(2)).
    package func setLength(_ length: Int64) throws(SyscallError) {
        try syscall("ftruncate", on: "fd \(raw)") { ftruncate(raw, off_t(length)) }
    }

    /// Waits until the file's data are on its disk (fsync(2)).
    package func sync() throws(SyscallError) { try syscall("fsync", on: "fd \(raw)") { fsync(raw) } }
}
