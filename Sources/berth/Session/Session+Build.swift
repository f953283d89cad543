import AttachStream
import BuildContext
import ComposeFile
import Console
import Dockerfile
import EngineClient
import EngineWire
import Linux
import ProjectModel
import YAML

/// How to show builds.
struct BuildShow {
    var isQuiet = false
    /// Show every reason why a step was not taken from the cache.
    var why = false
    /// Show the linter's findings.
    var warnings = true
    /// Show line by line, also on a terminal, because other output comes at the same time.
    var isPlain = false
}

extension Session {
    /// Builds everything as one graph, and shows progress and failures. Returns an image for each wish, in order.
    ///
    /// Ctrl-C cancels the builds: the engine ends them and keeps nothing incomplete. If one fails, the others continue.
    func build(_ wishes: [BuildWish], _ how: BuildShow) throws -> [BuiltImage] {
        guard !wishes.isEmpty else { return [] }
        for wish in wishes {
            try check(names: wish.request.tags, wish.service.map { "service \"\($0)\": " } ?? "")
        }
        let form: BuildProgress.Form =
            how.isQuiet || progress == .quiet
            ? .quiet
            : progress == .json
                ? .json
                : how.isPlain || progress == .plain || !stderr.isTerminal || ansi == .never ? .plain : .terminal
        let display = BuildProgress(
            to: stderr, style: errorStyle, form: form, why: how.why, clock: { CallingProcess.monotonic })
        let debugs = wishes.contains { $0.request.debugs }
        let signals = try CaughtSignals(debugs ? StreamSession.signals : CaughtSignals.ending)
        let interruption = Interruption()
        let writer = BuildOutputWriter(wishes.map(\.outputs), in: self)
        let connection = try connection(for: wishes, display, form, signals, interruption, writer)
        func next() throws -> [BuildMessage]? {
            do { return try connection.nextUnlessInterrupted(interruption) } catch var failure as EngineFailure
                where failure.code == .engineLost
            {
                failure.hint = Self.lostHint
                throw failure
            }
        }
        var outcomes = [Result<BuiltImage, BuildStop>?](repeating: nil, count: wishes.count)
        while let messages = try next() {
            if interruption.presses > 0 { try interrupt(connection, display, signals, interruption) }
            for message in messages where wishes.indices.contains(message.build) {
                let wish = wishes[message.build]
                switch message.event {
                case .finished(let image, let manifest, _, _):
                    outcomes[message.build] = .success(BuiltImage(id: image, manifest: manifest))
                case .failed(let notes): outcomes[message.build] = .failure(BuildStop(notes: notes))
                case .shell(let shell):
                    display.finish()
                    try open(shell, of: wish, signals)
                case .warning(let note) where how.warnings && form != .quiet && form != .json:
                    display.finish()
                    show(note, of: wish.source, as: .warning)
                default: break
                }
                display.show(message.event, of: wish.service)
            }
        }
        display.finish()
        return try images(wishes, outcomes, interruption)
    }

    /// Refuses invalid image names before anything is built.
    func check(names: [String], _ whose: String = "") throws {
        for name in names {
            if let fault = TextGrammar.imageName.fault(name) {
                throw CommandFailure("\(whose)\(fault.message)", hint: fault.hint)
            }
            guard !name.isEmpty else { throw CommandFailure("\(whose)the name of the image is empty") }
        }
    }

    private static let lostHint = "build again: it continues after the finished steps"

    private func connection(
        for wishes: [BuildWish], _ display: BuildProgress, _ form: BuildProgress.Form,
        _ signals: borrowing CaughtSignals, _ interruption: Interruption, _ writer: BuildOutputWriter
    ) throws -> BuildConnection {
        let descriptor = signals.raw
        let batch = BuildBatch(
            builds: wishes.map { wish in
                var request = wish.request
                request.logins = buildLogins(wish)
                request.outputs = wish.outputs.map(\.kind)
                return request
            })
        let open: (String) throws -> ContextFolder? = { [self] name in
            guard name.hasPrefix(GitSource.contextPrefix),
                let source = GitSource(String(name.dropFirst(GitSource.contextPrefix.count)))
            else { return nil }
            let fetched = try fetch(source)
            return try ContextFolder(fetched.path, owner: fetched.folder)
        }
        return try engine.build(batch, contexts: wishes.map(\.contexts), open: open, take: writer.take) {
            stream, toWrite in
            var ready = [
                Readiness(stream.descriptor, for: toWrite ? .both : .reading), Readiness(descriptor, for: .reading),
            ]
            repeat {
                try waitForReadiness(&ready, timeout: form == .terminal ? .milliseconds(100) : nil)
                if ready[1].isReadable {
                    interruption.presses += 1
                    // The caller reads the signal; until then it would be found again and again.
                    return ready[0].isReadable
                }
                if !ready[0].isReadable, !ready[0].isWritable { display.tick() }
            } while !ready[0].isReadable && !ready[0].isWritable
            return ready[0].isReadable
        }
    }

    private func interrupt(
        _ connection: BuildConnection, _ display: BuildProgress, _ signals: borrowing CaughtSignals,
        _ interruption: Interruption
    ) throws {
        interruption.presses = 0
        while let signal = signals.next() {
            guard CaughtSignals.ending.contains(signal) else { continue }
            interruption.asked += 1
            display.finish()
            if interruption.asked > 1 || CaughtSignals.leaving.contains(signal) { throw ExitStatus.interrupted }
            stderr.line("Cancelling... press Ctrl+C again to leave at once")
            try connection.cancel()
        }
    }

    /// Returns the images; shows each failure with its reason.
    private func images(
        _ wishes: [BuildWish], _ outcomes: [Result<BuiltImage, BuildStop>?], _ interruption: Interruption
    ) throws -> [BuiltImage] {
        var ids: [BuiltImage] = []
        var failures: [(wish: BuildWish, notes: [BuildNote])] = []
        for (wish, outcome) in zip(wishes, outcomes) {
            switch outcome {
            case .success(let image)?: ids.append(image)
            case .failure(let stop)?: failures.append((wish, stop.notes))
            case nil:
                throw EngineFailure(
                    code: .engineLost, message: "the engine ended during the build",
                    hint: Self.lostHint)
            }
        }
        guard !failures.isEmpty else { return ids }
        if interruption.asked > 0 || failures.contains(where: { $0.notes.contains { $0.code == .cancelled } }) {
            stderr.line("Cancelled; the finished steps are in the cache, and the next build continues after them.")
            throw ExitStatus.interrupted
        }
        // Show a failure of a step that several builds share only once.
        var told: Set<BuildNote> = []
        for (wish, notes) in failures {
            for note in notes where told.insert(note).inserted {
                if failures.count > 1, let service = wish.service { stderr.line(errorStyle(.bold, "[\(service)]")) }
                show(note, of: wish.source, as: .error)
            }
        }
        throw ExitStatus.failure
    }

    /// Logins for the registries of the base images and caches.
    private func buildLogins(_ wish: BuildWish) -> RegistryLogins {
        var hosts: Set<String> = []
        for stage in wish.file.stages { hosts.insert(RegistryAccounts.host(of: stage.base.image.text)) }
        for case .image(let reference) in wish.request.contexts.values {
            hosts.insert(RegistryAccounts.host(of: reference))
        }
        for case .registry(let reference) in wish.request.cacheFrom {
            hosts.insert(RegistryAccounts.host(of: reference))
        }
        for case .registry(let reference, _, _) in wish.request.cacheTo {
            hosts.insert(RegistryAccounts.host(of: reference))
        }
        return RegistryAccounts(environment: environment).logins(at: hosts)
    }
}

/// The result of a build.
struct BuiltImage {
    var id: String
    /// The digest of its manifest.
    var manifest: String
}

/// A signal from the keyboard.
final class Interruption {
    var presses = 0
    var asked = 0
}

private struct BuildStop: Error, CustomStringConvertible {
    let notes: [BuildNote]
    var description: String { notes.map(\.message).joined(separator: "\n") }
}

extension BuildConnection {
    /// The next messages; nil when a signal came first.
    fileprivate func nextUnlessInterrupted(_ interruption: Interruption) throws -> [BuildMessage]? {
        try next { interruption.presses > 0 }
    }
}
