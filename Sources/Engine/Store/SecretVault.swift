import Images
import Linux
import OCI
import ProjectModel

/// Owns the contents of secrets that have no file of their own. Each is a file that only root can read, outside of the
/// database.
///
/// The database has only their names. A key of this machine goes into each name, so names reveal nothing about
/// contents. The vault deletes contents that nothing refers to any more.
package actor SecretVault {
    private let folder: String
    private let pool = BlockingPool(name: "secrets", limit: 1)
    private var key: [UInt8]?
    /// Names that operations in progress need before any stored object refers to them.
    private var leases: [String: Int] = [:]
    /// The names that projects and containers refer to.
    private var references: @Sendable () async -> Set<String> = { [] }

    package init(folder: String) { self.folder = folder }

    func setReferences(_ references: @escaping @Sendable () async -> Set<String>) { self.references = references }

    /// Stores the contents of secrets and returns `project` with names in their place. The vault keeps them until
    /// `release`, and as long as something refers to them. With `storing` false (a dry run) it keeps nothing.
    /// - Throws: `SyscallError` when it cannot write them.
    package func hold(_ project: Project, storing: Bool = true) async throws -> Project {
        var project = project
        for (name, secret) in project.secrets {
            guard case .content(let text) = secret.source else { continue }
            let held = digest(of: try await machineKey() + Array(text.utf8)).hex
            project.secrets[name]?.source = .held(held)
            guard storing else { continue }
            leases[held, default: 0] += 1
            let path = "\(folder)/\(held)"
            try await pool.run {
                guard !fileExists(path) else { return }
                try writeFileAtomically(path, Array(text.utf8), mode: 0o600, durable: true)
            }
        }
        return project
    }

    /// Call this when the operation that `project` was held for has ended.
    package func release(_ project: Project?) async {
        let names = (project?.secrets.values).map { Self.names(in: $0) } ?? []
        guard !names.isEmpty || !leases.isEmpty else { return }
        for name in names {
            let left = (leases[name] ?? 1) - 1
            leases[name] = left > 0 ? left : nil
        }
        await sweep()
    }

    /// Deletes contents that nothing refers to.
    func sweep() async {
        let (folder, kept) = (folder, await references())
        let needed = kept.union(leases.keys)
        await pool.runInfallible {
            for name in (try? folderEntries(folder)) ?? [] where name != "key" && !needed.contains(name) {
                try? removeTree("\(folder)/\(name)")  // tried again the next time
            }
        }
    }

    /// The vault's names for these secrets.
    static func names(in secrets: some Sequence<FileObject>) -> Set<String> {
        Set(
            secrets.compactMap { secret in
                guard case .held(let name) = secret.source else { return nil }
                return name
            })
    }

    /// Created once for each root folder. With the key, equal contents get equal names; without it, nobody can guess
    /// contents and compare.
    private func machineKey() async throws -> [UInt8] {
        if let key { return key }
        let folder = folder
        let read = try await pool.run { () throws -> [UInt8] in
            try makeFolders(folder, mode: 0o700)
            if let key = try? readFile("\(folder)/key"), key.count == 32 { return key }
            var generator = SystemRandomNumberGenerator()
            let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            try writeFileAtomically("\(folder)/key", key, mode: 0o600, durable: true)
            return key
        }
        key = read
        return read
    }
}
