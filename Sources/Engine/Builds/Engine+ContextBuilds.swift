import BuildContext
import Builder
import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import Logging

/// A build whose files come with the request, or from an address in it.
package struct ContextBuild: Sendable {
    package var origin: ContextOrigin
    /// The Dockerfile's path in the context; nil is `Dockerfile`.
    package var dockerfile: String?
    /// The request without the Dockerfile.
    package var request: BuildRequest

    package init(origin: ContextOrigin, dockerfile: String? = nil, request: BuildRequest) {
        self.origin = origin
        self.dockerfile = dockerfile
        self.request = request
    }
}

/// A build under way.
package struct RunningBuild: Sendable {
    package var outline: BuildOutline
    /// Ends with the build, which is given up when it is closed.
    package var feed: BuildFeed
}

/// Reads Dockerfiles out of contexts.
private let contextThreads = BlockingPool(name: "contexts", limit: 4)

extension Engine {
    /// Begins a build.
    /// - Throws: mistakes that it finds before the build: an invalid archive or Dockerfile.
    package func build(_ wanted: ContextBuild) async throws -> RunningBuild {
        await gate.wait(for: .ready)
        let operation = Operation(id: String(parts.machine.newID().prefix(16)), key: parts.machine.newID(), project: "")
        parts.operations.add(operation)
        var made: MadeContext?
        do {
            let context = try await parts.machine.makeContext(wanted.origin)
            made = context
            let (request, folder) = try await contextThreads.run { try Self.prepare(wanted, context) }
            let outline: BuildOutline
            do { outline = try BuildOutline(request) } catch let failure as BuildFailure {
                throw Self.parseFailure(failure)
            }
            let work = BuildTask()
            let feed = BuildFeed { work.cancel() }
            work.begin { [self] in
                await run(request, folder, feed)
                await parts.machine.removeContext(context)
                feed.finish()
                operation.finish(.init(status: .succeeded))
                await parts.operations.remove(operation)
            }
            return RunningBuild(outline: outline, feed: feed)
        } catch {
            if let made { await parts.machine.removeContext(made) }
            operation.finish(.init(status: .failed))
            await parts.operations.remove(operation)
            if let error = error as? ImageError { throw Self.failure(error) }
            throw error
        }
    }

    private func run(_ request: BuildRequest, _ folder: ContextFolder, _ feed: BuildFeed) async {
        do {
            let (parts, limit) = (parts, settings.buildCacheSize)
            let batch = try BatchRun([request])
            await batch.run {
                feed.tell($1)
            } build: { _, request, built in
                let surroundings = BuildSurroundings(
                    steps: StepRunner(parts: parts), contexts: FolderContexts(folder: folder), built: built,
                    tell: { feed.tell($0) }, shells: nil, waitForRoom: { feed.waitForRoom() })
                do {
                    let image = try await parts.machine.build(request, surroundings)
                    for name in request.tags { self.tellImage("tag", name) }
                    return image
                } catch let failure where !(failure is BuildFailure || failure is CancellationError) {
                    throw EngineFailure(describing: failure)
                }
            }
            try await parts.machine.shrinkBuildCache(to: limit)
        } catch {
            parts.log.warning("the build cache could not be made smaller: \(error)")
        }
    }

    /// Reads the Dockerfile and the ignore file of a context. It follows no link out of the context.
    private static func prepare(
        _ wanted: ContextBuild, _ context: MadeContext
    ) throws -> (BuildRequest, ContextFolder) {
        let bare = try ContextFolder(context.path)
        var names = [wanted.dockerfile ?? "Dockerfile"]
        if context.isDockerfileAlone {
            names = ["Dockerfile"]
        } else if names == ["Dockerfile"] {
            names.append("dockerfile")
        }
        var request = wanted.request
        guard let (name, bytes) = names.lazy.compactMap({ name in bare.text(name).map { (name, $0) } }).first else {
            throw EngineFailure(code: .invalid, message: "Cannot locate specified Dockerfile: \(names[0])")
        }
        request.file = name
        request.dockerfile = String(decoding: bytes, as: UTF8.self)
        for file in ["\(name).dockerignore", ".dockerignore"] {
            guard let bytes = bare.text(file) else { continue }
            var findings = Findings(file: file)
            let ignored = IgnoreFile(file: file, bytes: bytes, findings: &findings)
            guard !findings.hasErrors else {
                throw EngineFailure(code: .invalid, message: "\(file) has a line that is not a valid pattern")
            }
            return (request, try ContextFolder(context.path, ignoring: ignored))
        }
        return (request, bare)
    }

    private static func parseFailure(_ failure: BuildFailure) -> EngineFailure {
        guard let note = failure.notes.first else { return EngineFailure(code: .invalid, message: "\(failure)") }
        let place = note.place.map { "dockerfile parse error on line \($0.line): " } ?? ""
        return EngineFailure(code: .invalid, message: place + note.message, hint: note.hint)
    }
}

extension ContextFolder {
    /// The content of a small file; nil if there is none.
    fileprivate func text(_ name: String) -> [UInt8]? {
        guard let file = try? open(name), let status = try? file.status(), status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return try? file.readToEnd(limit: 16 << 20)
    }
}

/// The context of a build that lies in a folder of the engine.
private struct FolderContexts: ContextSource {
    let folder: ContextFolder

    func list(_ query: SourceQuery, in context: String) throws -> [[SourceMatch]] {
        try check(context)
        switch folder.matches(query) {
        case .found(let matches): return matches
        case .failed(let failure): throw failure
        }
    }

    func fetch(_ paths: [String], in context: String, _ take: (Int, () throws -> [UInt8]?) throws -> Void) throws {
        try check(context)
        for (index, path) in paths.enumerated() {
            let file = try opened(path)
            try take(index) {
                let piece = try file.handle.readPiece(BuildFrames.piece)
                return piece.isEmpty ? nil : piece
            }
        }
    }

    private func opened(_ path: String) throws -> HeldDescriptor {
        do throws(SyscallError) { return HeldDescriptor(try folder.open(path)) } catch {
            throw SourceFailure.unreadable("\(path) cannot be read: \(error.code)")
        }
    }

    func deliver(_ output: Int, _ write: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
        throw EngineFailure(code: .unsupported, message: "this build can only store its result as an image")
    }

    private func check(_ context: String) throws {
        guard context.isEmpty else { throw SourceFailure.unreadable("there is no context '\(context)'") }
    }
}
