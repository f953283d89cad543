import Glibc
import Linux
import Tar

/// Local files in a tar with their paths in the containers, in an unnamed file.
///
/// It reads files with the caller's permissions, and stores links as links. It skips files that no longer exist; their
/// removal is a change of its own.
package struct SyncArchive: ~Copyable {
    package let file: OwnedFD
    /// The number of entries in the tar.
    package let count: Int
    /// What could not be read, and why.
    package let faults: [String]

    /// Archives those of `copies` that have a source.
    /// - Throws: when the archive itself cannot be written.
    package init(_ copies: [WatchPlan.Copy]) throws {
        let folder = CallingProcess.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        let written = try openNamelessFile(in: folder)
        let output = written.raw
        var count = 0
        var faults: [String] = []
        let tar = TarWriter { bytes in try writeDescriptor(output, Array(bytes)) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        for copy in copies {
            guard let source = copy.source else { continue }
            do throws(SyscallError) {
                if try Self.add(source, as: copy.target, to: tar, buffer) { count += 1 }
            } catch {
                if error.call == "write" { throw error }
                if error.code != .notFound, error.code != .notDirectory { faults.append("\(source): \(error.code)") }
            }
        }
        try tar.finish()
        file = written
        self.count = count
        self.faults = faults
    }

    private static func add(
        _ source: String, as target: String, to tar: TarWriter, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(SyscallError) -> Bool {
        var status = stat()
        try syscall("lstat", on: source) { lstat(source, &status) }
        var header = TarWriter.Header(path: String(target.drop { $0 == "/" }), type: "0")
        if header.path.isEmpty { return false }
        header.mode = status.st_mode & 0o7777
        header.owner = (status.st_uid, status.st_gid)
        header.modification = status.st_mtim
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            header.type = "5"
            header.path += "/"
            try writing { try tar.add(header) }
        case S_IFLNK:
            var link = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = try syscall("readlink", on: source) { readlink(source, &link, link.count) }
            header.type = "2"
            header.link = String(decoding: link[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            try writing { try tar.add(header) }
        case S_IFREG:
            let input = try openFile(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            header.size = Int64(try input.status().st_size)
            try writing { try tar.add(header) }
            try add(input, size: header.size, to: tar, buffer)
        default: return false
        }
        return true
    }

    /// Adds exactly `size` bytes: fills up a file that shrinks meanwhile; its next event will bring the whole file.
    private static func add(
        _ input: borrowing OwnedFD, size: Int64, to tar: TarWriter, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(SyscallError) {
        var rest = size
        while rest > 0 {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), rest))])
            var count = (try? input.read(into: room)) ?? 0
            if count == 0 {
                room.initializeMemory(as: UInt8.self, repeating: 0)
                count = room.count
            }
            let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
            try writing { try tar.append(piece) }
            rest -= Int64(count)
        }
        try writing { try tar.pad(size) }
    }

    private static func writing(_ body: () throws -> Void) throws(SyscallError) {
        do { try body() } catch {
            let failure = error as? SyscallError
            throw SyscallError(call: "write", object: "the archive", code: failure?.code ?? .invalid)
        }
    }
}
