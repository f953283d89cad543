import CArchive
import Glibc
import Linux

/// One entry of a tar archive, as written there; nothing in it is trustworthy.
struct TarEntry {
    enum Kind {
        case file(size: Int64)
        case folder
        case symbolicLink(target: String)
        case hardLink(target: String)
        /// Character or block device, or a FIFO: `type` is the S_IF bits.
        case node(type: mode_t, major: UInt32, minor: UInt32)
    }

    var path: String
    var kind: Kind
    /// Permissions with the set-ID and sticky bits.
    var mode: mode_t
    var owner: Ownership
    var modification: timespec
    var attributes: [(name: String, value: [UInt8])]
}

/// Reads the entries of a tar archive (ustar, pax, GNU) from a stream.
final class TarReader {
    private let archive: OpaquePointer
    private let source: PaddedStream
    /// The data of the last entry were read to the end.
    private var isRead = true
    private let locale: UTF8Locale
    private var entry: OpaquePointer?

    init(_ source: DecompressedStream) throws(ImageError) {
        self.source = PaddedStream(source)
        locale = UTF8Locale()
        guard let archive = archive_read_new() else { throw .failed("archive_read_new: out of memory") }
        self.archive = archive
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        let read:
            @convention(c) (
                OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeRawPointer?>?
            ) -> la_ssize_t = { _, client, piece in
                guard let client else { return -1 }
                let source = Unmanaged<PaddedStream>.fromOpaque(client).takeUnretainedValue()
                guard let next = source.next() else { return source.failure == nil ? 0 : -1 }
                piece?.pointee = next.baseAddress
                return next.count
            }
        // This object keeps `source`, and frees the archive before it releases `source`.
        let client = Unmanaged.passUnretained(self.source).toOpaque()
        guard archive_read_open2(archive, client, nil, read, nil, nil) == ARCHIVE_OK else { throw error() }
    }

    deinit { archive_read_free(archive) }

    /// Reads from the disk what reading archives needs. Call it before the process loses access to the disk.
    static func prepare() { _ = UTF8Locale.locale }

    /// The next entry; nil at the end of the archive. Skips sockets and unknown kinds.
    func next() throws -> TarEntry? {
        while true {
            // Read skipped data as well, because the archive may be truncated there.
            if !isRead { try readData { _, _ in } }
            switch archive_read_next_header(archive, &entry) {
            case ARCHIVE_OK, ARCHIVE_WARN: break
            case ARCHIVE_EOF: return nil
            default: throw error()
            }
            guard let entry else { return nil }
            guard !source.isPadded else { throw Self.cutShort }
            isRead = false
            if let result = try read(entry) { return result }
        }
    }

    /// Passes the data of the last entry to `body`, in pieces, each with its offset in the file.
    func readData(_ body: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
        while true {
            var bytes: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            switch archive_read_data_block(archive, &bytes, &count, &offset) {
            case ARCHIVE_OK, ARCHIVE_WARN:
                guard count == 0 || !source.isPadded else { throw Self.cutShort }
                try body(UnsafeRawBufferPointer(start: bytes, count: count), offset)
            case ARCHIVE_EOF:
                isRead = true
                return
            default: throw error()
            }
        }
    }

    private func read(_ entry: OpaquePointer) throws(ImageError) -> TarEntry? {
        let path = try text(archive_entry_pathname(entry), "the name of an entry")
        guard let kind = try kind(of: entry, path) else { return nil }
        let (user, group) = (archive_entry_uid(entry), archive_entry_gid(entry))
        guard let user = uid_t(exactly: user), let group = gid_t(exactly: group), user != .max, group != .max else {
            throw .invalidArchive("\"\(path)\" belongs to \(user):\(group), which are no user and group IDs")
        }
        let seconds = archive_entry_mtime(entry)
        return TarEntry(
            path: path, kind: kind, mode: mode_t(archive_entry_mode(entry)) & 0o7777,
            owner: Ownership(user: user, group: group),
            modification: timespec(tv_sec: seconds, tv_nsec: min(max(archive_entry_mtime_nsec(entry), 0), 999_999_999)),
            attributes: attributes(of: entry))
    }

    private func kind(of entry: OpaquePointer, _ path: String) throws(ImageError) -> TarEntry.Kind? {
        if let target = archive_entry_hardlink(entry) {
            return .hardLink(target: try text(target, "the target of the hard link \"\(path)\""))
        }
        let type = mode_t(archive_entry_filetype(entry))
        switch type {
        case S_IFREG: return .file(size: archive_entry_size(entry))
        case S_IFDIR: return .folder
        case S_IFLNK:
            return .symbolicLink(
                target: try text(archive_entry_symlink(entry), "the target of the symbolic link \"\(path)\""))
        case S_IFCHR, S_IFBLK:
            let (major, minor) = (archive_entry_rdevmajor(entry), archive_entry_rdevminor(entry))
            guard let major = UInt32(exactly: major), let minor = UInt32(exactly: minor) else {
                throw .invalidArchive("the device \"\(path)\" has an impossible number")
            }
            return .node(type: type, major: major, minor: minor)
        case S_IFIFO: return .node(type: type, major: 0, minor: 0)
        default: return nil
        }
    }

    private func attributes(of entry: OpaquePointer) -> [(name: String, value: [UInt8])] {
        var result: [(name: String, value: [UInt8])] = []
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var count = 0
        while archive_entry_xattr_next(entry, &name, &value, &count) == ARCHIVE_OK {
            guard let name else { continue }
            result.append((String(cString: name), Array(UnsafeRawBufferPointer(start: value, count: count))))
        }
        return result
    }

    private func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(ImageError) -> String {
        guard let pointer, let text = String(validatingCString: pointer) else {
            throw .invalidArchive("\(what) is not UTF-8")
        }
        return text
    }

    private static var cutShort: ImageError { .invalidArchive("it ends in the middle of a file") }

    private func error() -> ImageError {
        if let failure = source.failure { return failure }
        return .invalidArchive(archive_error_string(archive).map { String(cString: $0) } ?? "unreadable")
    }
}

/// Makes a tar readable that ends right after the last file's bytes: some programs leave out the zeros that fill the
/// last block, and the two empty blocks after it.
private final class PaddedStream {
    private static let blockSize = 512
    private let zeros: UnsafeMutableRawBufferPointer
    private let source: DecompressedStream
    /// Zeros were added that the archive does not have. More than padding means that the archive was truncated.
    private(set) var isPadded = false

    init(_ source: DecompressedStream) {
        self.source = source
        zeros = .allocate(byteCount: Self.blockSize, alignment: 16)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { zeros.deallocate() }

    var failure: ImageError? { source.failure }

    func next() -> UnsafeRawBufferPointer? {
        if let piece = source.next() { return piece }
        let rest = Int(source.count % Int64(Self.blockSize))
        guard source.failure == nil, rest > 0, !isPadded else { return nil }
        isPadded = true
        return UnsafeRawBufferPointer(rebasing: zeros[..<(Self.blockSize - rest)])
    }
}

/// Makes libarchive return names in UTF-8 on this thread: it converts them to the thread's locale, and the C locale has
/// only ASCII (uselocale(3)).
private final class UTF8Locale {
    /// Loaded from the disk once, for threads that cannot access it later.
    nonisolated(unsafe) static let locale = newlocale(1 << LC_CTYPE, "C.UTF-8", nil)  // never changed, never freed
    private let before: locale_t?

    init() { before = uselocale(Self.locale) }
    deinit { uselocale(before) }
}
