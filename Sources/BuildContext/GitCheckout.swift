import Dockerfile
import Linux

/// Fetches a repository with the machine's git and this process's rights.
package struct GitCheckout {
    /// Why it could not be had, for a person.
    package struct Failure: Error, CustomStringConvertible {
        package var message: String
        package var hint: String?
        package var description: String { message }
    }

    private let git: MachineProgram
    private let folder: String
    private let source: GitSource

    /// Fetches what `source` names into the empty folder at `folder`. Sleeps until it is there.
    /// - Returns: the folder of it that is meant.
    package static func fetch(
        _ source: GitSource, into folder: String, environment: [String: String]
    ) throws(Failure) -> String {
        guard let git = MachineProgram("git", environment: environment.merging(["GIT_TERMINAL_PROMPT": "0"]) { $1 })
        else {
            throw Failure(
                message: "\(source.address) cannot be fetched: this machine has no `git`",
                hint: "install git (`apt install git`)")
        }
        let checkout = GitCheckout(git: git, folder: folder, source: source)
        do {
            try checkout.fetch()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(message: "git cannot be run: \(error)")
        }
        guard !source.folder.isEmpty else { return folder }
        let parts = source.folder.split(separator: "/").filter { $0 != "." }
        let path = ([folder[...]] + parts).joined(separator: "/")
        guard !parts.contains(".."), isFolder(path) else {
            throw Failure(message: "\(source.address) has no folder \(source.folder)")
        }
        return path
    }

    private func run(_ arguments: [String]) throws(SyscallError) -> Bool {
        // Do not wait for a server that sends nothing any more.
        let patience = ["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"]
        return try git.run(["-C", folder] + patience + arguments) == 0
    }

    private func fetch() throws {
        let wanted = source.reference ?? "HEAD"
        guard !wanted.hasPrefix("-"), !source.address.hasPrefix("-") else {
            throw Failure(message: "\(wanted) is not the name of a commit")
        }
        _ = try run(["init", "-q"])
        _ = try run(["remote", "add", "origin", source.address])
        // Servers may refuse a commit, and do not know short ones: then fetch everything.
        let isCommit = wanted.count >= 7 && wanted.allSatisfy(\.isHexDigit)
        var isThere =
            try isCommit && wanted.count < 40 ? false : run(["fetch", "-q", "--depth", "1", "origin", wanted])
        var name = "FETCH_HEAD"
        if !isThere, isCommit {
            isThere = try run(["fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"])
            name = wanted
        }
        guard isThere, try run(["-c", "advice.detachedHead=false", "checkout", "-q", name]) else {
            throw Failure(
                message: "\(source.address) cannot be fetched at \(wanted)",
                hint: "`git ls-remote \(source.address)` shows what there is; keys and logins are those of your git")
        }
        if let commit = source.commit {
            let head = String(decoding: try git.output(["-C", folder, "rev-parse", "HEAD"]), as: UTF8.self)
            guard head.hasPrefix(commit) else {
                throw Failure(message: "\(source.address) is at \(head.prefix(40)), and \(commit) is asked for")
            }
        }
        if source.hasSubmodules {
            guard try run(["submodule", "-q", "update", "--init", "--recursive", "--depth", "1"]) else {
                throw Failure(message: "the submodules of \(source.address) cannot be fetched")
            }
        }
        if !source.keepsGitFolder { try removeTree("\(folder)/.git") }
    }
}
