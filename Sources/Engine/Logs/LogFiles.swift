import Glibc
import Linux

/// The files of one log: the newest at the log's own path, rotated ones beside it.
struct LogFiles {
    /// The largest number of files that a log can have.
    static let mostFiles = 1000

    struct File: Hashable {
        let path: String
        let inode: UInt64
    }

    /// The existing files, newest first.
    let files: [File]

    init(_ path: String) {
        var files: [File] = []
        for number in 0..<Self.mostFiles {
            let file = number == 0 ? path : "\(path).\(number)"
            guard let inode = Self.inode(of: file) else {
                // During rotation the newest file is missing for a moment.
                guard number == 0 else { break }
                continue
            }
            files.append(File(path: file, inode: inode))
        }
        self.files = files
    }

    static func inode(of path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// Opens `file`; nil when its path leads to another file by now.
    static func open(_ file: File) -> OwnedFD? {
        guard let opened = try? openFile(file.path, O_RDONLY) else { return nil }
        var status = stat()
        guard fstat(opened.raw, &status) == 0, UInt64(status.st_ino) == file.inode else { return nil }
        return opened
    }
}

extension OwnedFD {
    /// The size of a file in bytes; 0 if it cannot be read (fstat(2)).
    var fileSize: Int64 {
        var status = stat()
        return fstat(raw, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Up to `count` bytes of a file from `offset` on; empty at the end, and when reading fails (pread(2)).
    func bytes(at offset: Int64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(raw, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset) + filled)
                if got > 0 {
                    filled += got
                } else if got == 0 || Errno.current != .interrupted {
                    return
                }
            }
        }
    }
}
