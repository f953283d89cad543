import BuildContext
import Dockerfile
import EngineClient
import Linux

/// A folder for one build, with the content of standard input or of a repository. Its last user removes it.
final class TemporaryFolder: Sendable {
    let path: String

    init(in session: Session) throws {
        let parent = session.environment["TMPDIR"] ?? "/tmp"
        path = "\(parent)/berth-build-\(CallingProcess.pid)-\(UInt64.random(in: 0...UInt64.max))"
        do throws(SyscallError) { try makeFolders(path, mode: 0o700) } catch {
            throw CommandFailure("\(path) cannot be created: \(error.code)", hint: "set TMPDIR to another folder")
        }
    }

    deinit { try? removeTree(path) }  // what cannot be removed is in a folder for temporary files
}

extension Session {
    /// Unpacks an archive that begins with `head` and continues in `input`.
    func unpack(_ head: [UInt8], _ input: borrowing OwnedFD) throws -> TemporaryFolder {
        let folder = try TemporaryFolder(in: self)
        guard let tar = MachineProgram("tar", environment: environment) else {
            throw CommandFailure("the context cannot be unpacked: `tar` is not installed")
        }
        let archive = "\(folder.path).tar"
        defer { try? removeTree(archive) }
        do throws(SyscallError) {
            let file = try createFile(archive)
            try file.write(head)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                let count = try input.read(into: buffer)
                if count == 0 { break }
                try file.write(buffer[..<count])
            }
            // If the input is a file, tar detects the compression itself.
            let status = try tar.run(["-xf", archive, "--no-same-owner", "-C", folder.path])
            guard status != 0 else { return folder }
        } catch { throw CommandFailure("the context cannot be unpacked: \(error.code)") }
        throw CommandFailure(
            "the context cannot be unpacked",
            hint: "pass a tar, plain or compressed, or a Dockerfile on standard input")
    }

    /// Clones a repository with this machine's git and the caller's permissions.
    func fetch(_ source: GitSource) throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder(in: self)
        do throws(GitCheckout.Failure) {
            return (folder, try GitCheckout.fetch(source, into: folder.path, environment: environment))
        } catch { throw CommandFailure(error.message, hint: error.hint) }
    }
}

extension Session {
    /// An additional context of a build: a folder, or a repository.
    func contextFolder(_ value: String, _ name: String) throws -> (context: ContextFolder, shown: String) {
        if let source = GitSource(value) {
            let fetched = try fetch(source)
            return (try BuildWish.folder(fetched.path, name, owner: fetched.folder), value)
        }
        return (try BuildWish.folder(absolute(value), name), absolute(value))
    }
}

extension Session {
    /// Sockets of SSH agents by id: `default` is the caller's, `id=SOCKET` another.
    func agents(_ wanted: [String: String?]) throws -> [String: String] {
        var agents: [String: String] = [:]
        for (id, value) in wanted {
            guard let path = value.map(absolute) ?? environment["SSH_AUTH_SOCK"], !path.isEmpty else {
                throw CommandFailure(
                    "ssh \(id): no SSH agent is running", hint: "start one: `eval $(ssh-agent) && ssh-add`")
            }
            // With the caller's permissions, because the engine may be allowed to open more.
            do throws(SyscallError) { _ = try UnixSocket.connect(path) } catch {
                throw CommandFailure(
                    "ssh \(id): \(path) is not a reachable SSH agent: \(error.code)",
                    hint: "add the key to an agent: `eval $(ssh-agent) && ssh-add \(path)`, then --ssh \(id)")
            }
            agents[id] = path
        }
        return agents
    }

    /// Parses `--ssh`: `default`, `id=SOCKET`, several separated by commas.
    func agents(_ texts: [String]) throws -> [String: String] {
        var wanted: [String: String?] = [:]
        for text in texts.flatMap({ $0.split(separator: ",").map(String.init) }) {
            let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
            wanted[pair.first ?? "default"] = .some(pair.count == 2 ? pair[1] : nil)
        }
        return try agents(wanted)
    }
}
