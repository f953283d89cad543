import CLinux
import EngineWire
import Glibc
import Linux
import ProjectModel

/// A secret or config as a container sees it: bound read-only from a file of the host, or from a copy in memory.
struct SecretFile: Hashable, Sendable {
    let hostPath: String
    let target: String
    /// What to write to `hostPath` before each start; nil for a file of the host.
    let copy: Copy?

    struct Copy: Hashable, Sendable {
        enum Origin: Hashable, Sendable {
            case text(String)
            case file(String)
        }

        let origin: Origin
        /// nil: the owner of the source file, or root for a text.
        let uid: UInt32?
        let gid: UInt32?
        let mode: UInt32?
    }

    /// The size limit: the copy is in memory.
    fileprivate static let mostBytes = 16 << 20

    static func files(of record: ContainerRecord, _ paths: EnginePaths) -> [SecretFile] {
        let folder = paths.secrets(record.id)
        let all =
            record.template.secrets.map { ($0, record.definitions.secrets[$0.source]) }
            + record.template.configs.map { ($0, record.definitions.configs[$0.source]) }
        return all.enumerated().compactMap { index, pair in
            let (mount, definition) = pair
            func copied(_ origin: Copy.Origin, mode: UInt32?) -> SecretFile {
                let copy = Copy(
                    origin: origin, uid: mount.uid.flatMap { UInt32($0) }, gid: mount.gid.flatMap { UInt32($0) },
                    mode: mount.mode ?? mode)
                return SecretFile(hostPath: "\(folder)/\(index)", target: mount.target, copy: copy)
            }
            switch definition?.source {
            case .file(let path)?:
                let isPlain = mount.uid == nil && mount.gid == nil && mount.mode == nil
                // The file needs a copy only if the container wants another owner or mode. A folder is mounted as it
                // is.
                if isPlain || isFolder(path) { return SecretFile(hostPath: path, target: mount.target, copy: nil) }
                return copied(.file(path), mode: nil)
            case .content(let text)?: return copied(.text(text), mode: 0o444)
            // Accept only a plain name, as the vault makes them: a client may have sent it.
            case .held(let name)? where isPlainName(name): return copied(.file("\(paths.vault)/\(name)"), mode: 0o444)
            case .held?, .external?, nil: return nil
            }
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Writes the copies. Only root may enter `folder`; the files get the requested owners and modes.
    static func write(_ files: [SecretFile], folder: String) throws {
        for file in files {
            guard let copy = file.copy else {
                guard fileExists(file.hostPath) else { throw missing(file.hostPath, file.target) }
                continue
            }
            try makeFolders(folder, mode: 0o700)
            try copy.write(to: file.hostPath, for: file.target)
        }
    }

    fileprivate static func missing(_ path: String, _ target: String) -> EngineFailure {
        EngineFailure(
            code: .notFound, message: "the file \(path) for \(target) is missing",
            hint: "create it, or change `file:` of the secret or config")
    }
}

extension SecretFile.Copy {
    fileprivate func write(to path: String, for target: String) throws {
        var status = stat()
        let bytes: [UInt8]
        switch origin {
        case .text(let text): bytes = Array(text.utf8)
        case .file(let source):
            (bytes, status) = try Self.read(source, for: target)
        }
        // Nobody else may read it before it has its owner and mode.
        try writeFileAtomically(path, bytes, mode: 0o600)
        try syscall("chown", on: path) { chown(path, uid ?? status.st_uid, gid ?? status.st_gid) }
        try syscall("chmod", on: path) { chmod(path, mode ?? status.st_mode & 0o777) }
    }
}

extension SecretFile.Copy {
    /// Reads the whole file. Refuses endless files and files that wait for a writer.
    private static func read(_ source: String, for target: String) throws -> ([UInt8], stat) {
        func failure(_ reason: String) -> EngineFailure {
            EngineFailure(
                code: .invalid, message: "\(source) for \(target) \(reason)",
                hint: "leave out uid, gid and mode: then the file itself is mounted")
        }
        guard fileExists(source) else { throw SecretFile.missing(source, target) }
        let file = try openFile(source, O_RDONLY | O_NONBLOCK)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is not a regular file") }
        let bytes = try file.readBeginning(SecretFile.mostBytes + 1)
        guard bytes.count <= SecretFile.mostBytes else {
            throw failure("is too large to copy: the limit is 16 MiB")
        }
        return (bytes, status)
    }
}

/// The folder for copies of secrets: always in memory, even if the run folder is on a disk.
enum SecretFolder {
    /// Creates the folder, and mounts a tmpfs there if it is on a disk.
    /// - Throws: `SyscallError` when the mount fails.
    static func prepare(_ path: String) throws {
        try makeFolders(path, mode: 0o700)
        guard let type = MountTable.current.type(of: path), type != "tmpfs", type != "ramfs" else { return }
        let flags = UInt(MS_NOSUID | MS_NODEV | MS_NOEXEC)
        try syscall("mount", on: path) { berth_mount("tmpfs", path, "tmpfs", flags, "mode=700") }
    }
}
