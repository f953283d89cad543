import Glibc
import Linux
import Tar

/// An operation on the files of a container. Paths are absolute inside the container; no link and no `..` can lead out
/// of its root.
package enum FileTask: Codable, Hashable, Sendable {
    /// The status of the path; of a link itself, unless the path ends in a slash.
    case status(path: String)
    /// Write what is at the path as a tar whose entries are below `name`; with an empty name, only the content of a
    /// folder.
    case copyOut(path: String, name: String)
    /// Unpack a tar, plain or compressed, into the folder at the path.
    case copyIn(path: String, Placement)
    /// Write the whole file system as a tar.
    case export

    var isWriting: Bool { if case .copyIn = self { true } else { false } }

    /// Reading needs access to every file; writing needs owners, modes, attributes except `trusted`, and device nodes.
    var capabilities: [String] {
        guard isWriting else { return ["CAP_DAC_READ_SEARCH"] }
        return [
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP",
        ]
    }

    func perform(_ archive: CInt, in root: borrowing OwnedFD) -> FileReport {
        do {
            switch self {
            case .status(let path): return .status(try FilePath(path).status(in: root))
            case .copyOut(let path, let name):
                try FilePath(path).pack(as: name, in: root, to: archive)
                return .done
            case .copyIn(let path, let placement):
                try placeFiles(archive, into: FilePath(path).folder(in: root), placement)
                return .done
            case .export:
                let packer = LayerPacker(TarWriter(to: archive), opaque: [], .live(empty: []))
                try packer.pack(root)
                return .done
            }
        } catch {
            return .failed(FileFailure(error))
        }
    }
}

package enum FileReport: Codable, Hashable, Sendable {
    case status(FileStatus)
    case done
    case failed(FileFailure)
}

/// The status of a path in a container.
package struct FileStatus: Codable, Hashable, Sendable {
    /// The last part of the path.
    package var name: String
    package var size: Int64
    /// Type and permissions (inode(7)).
    package var mode: UInt32
    /// Nanoseconds since 1970.
    package var modified: Int64
    /// The target of a symbolic link.
    package var linkTarget: String?

    package var isFolder: Bool { mode & S_IFMT == S_IFDIR }

    package init(name: String, size: Int64, mode: UInt32, modified: Int64, linkTarget: String? = nil) {
        self.name = name
        self.size = size
        self.mode = mode
        self.modified = modified
        self.linkTarget = linkTarget
    }
}

/// Why an operation on a container's files failed.
package struct FileFailure: Codable, Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Codable, Hashable, Sendable {
        case notFound, noFolder, kindDiffers, readOnly, noSpace, invalidArchive, failed
        /// The reader has gone.
        case readerGone
    }

    package var reason: Reason
    package var message: String
    package var description: String { message }

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    init(_ error: any Error) {
        switch error {
        case let failure as FileFailure: self = failure
        case ImageError.invalidArchive(let text):
            self.init(.invalidArchive, "the archive is not valid: \(text)")
        case ImageError.tooLarge(let text): self.init(.noSpace, text)
        case let failure as SyscallError where [ENOSPC, EDQUOT].contains(failure.code.rawValue):
            self.init(.noSpace, "no space left on the disk for \"\(failure.object)\"")
        case let failure as SyscallError:
            let reason: Reason =
                switch failure.code.rawValue {
                case ENOENT: .notFound
                case ENOTDIR: .noFolder
                case EROFS: .readOnly
                case EPIPE: .readerGone
                default: .failed
                }
            self.init(reason, "\(failure)")
        default: self.init(.failed, "\(error)")
        }
    }
}

/// A path in a container.
private struct FilePath {
    let text: String
    let parts: [String]
    /// It means the target of a link, which must be a folder.
    let isFolder: Bool

    init(_ text: String) throws(FileFailure) {
        guard text.utf8.count < 4096, !text.utf8.contains(0) else {
            throw FileFailure(.notFound, "no such path")
        }
        self.text = text
        let all = text.pathParts
        isFolder =
            text.hasSuffix("/") || all.last == "." || all.last == ".." || all.allSatisfy { $0 == "." }
        parts = all.filter { $0 != "." }
    }

    private var folderText: String { parts.isEmpty ? "." : parts.joined(separator: "/") }
    private var name: String { parts.last ?? "/" }

    private func missing(_ error: SyscallError) -> any Error {
        switch error.code {
        case .notFound: FileFailure(.notFound, "no such file or folder: \(text)")
        case .notDirectory: FileFailure(.noFolder, "not a folder: \(text)")
        default: error
        }
    }

    /// The folder at the path, following links.
    func folder(in root: borrowing OwnedFD) throws -> OwnedFD {
        do throws(SyscallError) {
            return try root.openInRoot(folderText, O_RDONLY | O_DIRECTORY)
        } catch {
            throw missing(error)
        }
    }

    /// The parent folder and the entry's status; does not follow a link at the end.
    private func entry(in root: borrowing OwnedFD) throws -> (parent: OpenFolder, status: stat) {
        do throws(SyscallError) {
            let parent = OpenFolder(
                try root.openInRoot(
                    parts.count > 1 ? parts.dropLast().joined(separator: "/") : ".", O_RDONLY | O_DIRECTORY))
            guard let status = try parent.handle.status(of: name) else {
                throw SyscallError(call: "fstatat", object: text, code: .notFound)
            }
            return (parent, status)
        } catch {
            throw missing(error)
        }
    }

    func status(in root: borrowing OwnedFD) throws -> FileStatus {
        var target: String?
        let found: stat
        if isFolder {
            found = try folder(in: root).status()
        } else {
            let entry = try entry(in: root)
            found = entry.status
            target = try entry.parent.handle.linkTarget(of: name)
        }
        return FileStatus(
            name: name, size: Int64(found.st_size), mode: found.st_mode,
            modified: Int64(found.st_mtim.tv_sec) * 1_000_000_000 + Int64(found.st_mtim.tv_nsec),
            linkTarget: target)
    }

    func pack(as name: String, in root: borrowing OwnedFD, to output: CInt) throws {
        let tar = TarWriter(to: output)
        let packer = LayerPacker(tar, opaque: [], .live(empty: Self.devices(in: root)))
        if isFolder || name.isEmpty {
            try packer.packFolder(folder(in: root), as: name)
        } else {
            let (parent, status) = try entry(in: root)
            try packer.pack(self.name, status, in: parent.handle, name)
        }
        try tar.finish()
    }

    /// `/dev`, if something is mounted on it: devices are not copied.
    private static func devices(in root: borrowing OwnedFD) -> Set<FileIdentity> {
        guard let top = try? root.status(),
            let folder = try? root.openInRoot("dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            let status = try? folder.status(), status.st_dev != top.st_dev
        else { return [] }
        return [FileIdentity(status)]
    }
}

/// Unpacks a tar, plain or compressed, into a folder. Writes nothing outside of the folder.
func placeFiles(_ archive: CInt, into folder: consuming OwnedFD, _ placement: Placement) throws {
    let limits = UnpackLimits()
    let writer = LayerWriter(root: folder, limits: limits, placement)
    let reader = try TarReader(DecompressedStream(archive, hashing: false, limit: limits.bytes))
    while let entry = try reader.next() {
        try writer.write(entry) { try reader.readData($0) }
    }
    try writer.finish()
    if let missing = writer.missingLinks.first {
        throw ImageError.invalidArchive(
            "\"\(missing.path)\" is a hard link to \"\(missing.target)\", which is not there")
    }
}
