import BuildContext
import Builder
import Dockerfile
import EngineWire
import Glibc
import Images
import Linux

// Build contexts that no client reads.
extension RealMachine {
    package func makeContext(_ origin: ContextOrigin) async throws -> MadeContext {
        try await builds.load()
        let folder = try await builds.makeWorkFolder()
        var context = MadeContext(folder: folder, path: "\(folder)/context")
        do {
            let path = context.path
            try await buildPool.run { try makeFolders(path, mode: 0o755) }
            switch origin {
            case .archive(let archive): try await unpack(archive, into: path)
            case .remote(let address):
                if let source = GitSource(address) {
                    context.path = try await checkOut(source, into: path)
                } else {
                    context.isDockerfileAlone = try await fetch(address, into: context)
                }
            }
            return context
        } catch {
            await removeContext(context)
            throw error
        }
    }

    package func removeContext(_ context: MadeContext) async {
        await buildPool.runInfallible { try? removeTree(context.folder) }  // the next start removes what is left
    }

    private func unpack(_ archive: HeldDescriptor, into path: String) async throws {
        let leash = WorkerLeash()
        try await withTaskCancellationHandler {
            try await buildPool.run { [images] in
                try images.unpackContext(archive.handle, into: path, leash: leash)
            }
        } onCancel: {
            leash.cut()
        }
    }

    private func checkOut(_ source: GitSource, into path: String) async throws -> String {
        try await buildPool.run {
            do throws(GitCheckout.Failure) {
                return try GitCheckout.fetch(source, into: path, environment: CallingProcess.environment)
            } catch {
                throw EngineFailure(code: .invalid, message: error.message, hint: error.hint)
            }
        }
    }

    /// - Returns: Whether it is a Dockerfile and not an archive.
    private func fetch(_ address: String, into context: MadeContext) async throws -> Bool {
        guard address.hasPrefix("http://") || address.hasPrefix("https://") else {
            throw EngineFailure(
                code: .invalid, message: "\(address) is neither a git repository nor an address of http or https")
        }
        let file = "\(context.folder)/fetched"
        _ = try await downloadFile(address, to: file, network: registries, on: buildPool)
        let held = HeldDescriptor(try openFile(file, O_RDONLY))
        let isArchive = try await buildPool.run {
            let head = try held.handle.readBeginning(512)
            rewind(held.handle.raw)
            return ArchiveContent.isArchive(head)
        }
        if isArchive {
            try await unpack(held, into: context.path)
            return false
        }
        try await buildPool.run { try moveFile(file, to: "\(context.path)/Dockerfile") }
        return true
    }
}
