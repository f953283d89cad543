import EngineWire
import Glibc
import Linux
import ProjectModel

/// A secret or config as a container sees it: bound read-only from a file of the host, or of the run folder.
struct SecretFile: Hashable, Sendable {
    let hostPath: String
    let target: String
    /// What is written to `hostPath` before the start; nil for a file of the host.
    let content: Content?

    struct Content: Hashable, Sendable {
        let text: String
        let uid: UInt32
        let gid: UInt32
        let mode: UInt32
    }

    static func files(of record: ContainerRecord, _ paths: EnginePaths) -> [SecretFile] {
        let folder = "\(paths.containerRun(record.id))/secrets"
        let all =
            record.spec.secrets.map { ($0, record.definitions.secrets[$0.source]) }
            + record.spec.configs.map { ($0, record.definitions.configs[$0.source]) }
        return all.enumerated().compactMap { index, pair in
            let (mount, definition) = pair
            switch definition?.source {
            case .file(let path)?: return SecretFile(hostPath: path, target: mount.target, content: nil)
            case .content(let text)?:
                let content = Content(
                    text: text, uid: mount.uid.flatMap { UInt32($0) } ?? 0, gid: mount.gid.flatMap { UInt32($0) } ?? 0,
                    mode: mount.mode ?? 0o444)
                return SecretFile(hostPath: "\(folder)/\(index)", target: mount.target, content: content)
            case .external?, nil: return nil
            }
        }
    }

    /// Writes what comes from the project itself; the folder is for root alone, the files have the modes asked for.
    static func write(_ files: [SecretFile], folder: String) throws {
        for file in files {
            guard let content = file.content else {
                guard fileExists(file.hostPath) else {
                    throw EngineFailure(
                        code: "not_found", message: "the file \(file.hostPath) for \(file.target) is missing",
                        hint: "create it, or change `file:` of the secret or config")
                }
                continue
            }
            try makeFolders(folder, mode: 0o700)
            try writeFileAtomically(file.hostPath, content.text.utf8, mode: content.mode)
            try syscall("chmod", on: file.hostPath) { chmod(file.hostPath, content.mode) }
            try syscall("chown", on: file.hostPath) { chown(file.hostPath, content.uid, content.gid) }
        }
    }
}
