import Glibc
import Images
import Linux
import OCI

/// The folders of cache mounts, and who is in them: nobody else writes there.
package actor MountFolders {
    private let root: String
    private let pool: BlockingPool
    /// How many steps use a folder now.
    private var users: [String: Int] = [:]
    /// Steps that wait for a folder of their own.
    private var lines: [String: WaitingLine] = [:]
    /// Folders that somebody fills for the first time.
    private var filling: [String: WaitingLine] = [:]

    init(root: String, pool: BlockingPool) {
        self.root = root
        self.pool = pool
    }

    /// The folder of the cache mount `id`; whoever has it gives it back with `release`. A private one that is in use gets another; a
    /// locked one is waited for.
    package func take(_ id: String, _ sharing: StepMount.Sharing) async throws -> String {
        var path = "\(root)/\(digest(of: id.utf8).hex)"
        switch sharing {
        case .shared: break
        case .private:
            var number = 0
            while users[path, default: 0] > 0 {
                number += 1
                path = "\(root)/\(digest(of: "\(id) \(number)".utf8).hex)"
            }
        case .locked:
            while users[path, default: 0] > 0 {
                let line = lines[path] ?? WaitingLine()
                lines[path] = line
                try await line.wait(line.join())
            }
        }
        users[path, default: 0] += 1
        let chosen = path
        do {
            try await pool.run {
                try makeFolders("\(chosen)/data", mode: 0o755)
                if !fileExists("\(chosen)/id") { try writeFileAtomically("\(chosen)/id", Array(id.utf8)) }
            }
        } catch {
            release(chosen)
            throw error
        }
        return chosen
    }

    package func release(_ folder: String) {
        users[folder] = users[folder].flatMap { $0 > 1 ? $0 - 1 : nil }
        guard users[folder] == nil else { return }
        lines.removeValue(forKey: folder)?.wakeAll()
    }

    /// Runs `fill` on the data of `folder` unless that was done once: one at a time, and from the beginning where it broke off.
    package func fill(_ folder: String, _ fill: @escaping @Sendable (_ data: String) throws -> Void) async throws {
        while let line = filling[folder] { try await line.wait(line.join()) }
        let line = WaitingLine()
        filling[folder] = line
        defer {
            filling[folder] = nil
            line.wakeAll()
        }
        try await pool.run {
            guard !fileExists("\(folder)/filled") else { return }
            let data = "\(folder)/data"
            try removeTree(data)
            try makeFolders(data, mode: 0o755)
            try fill(data)
            try writeFileAtomically("\(folder)/filled", [])
        }
    }

    /// Takes a folder away that nobody is in.
    package func remove(_ path: String) async throws {
        guard users[path, default: 0] == 0 else { return }
        try await pool.run { try removeTree(path) }
    }
}
