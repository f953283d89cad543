import BuildContext
import Console
import Dockerfile
import EngineClient
import EngineWire
import Linux
import OCI
import ProjectModel
import YAML

/// A requested build: the request to the engine, and the folders that the client reads for it.
struct BuildWish {
    var request: BuildRequest
    var contexts: [String: ContextFolder] = [:]
    var outputs = [BuildOutputWish(kind: .image)]
    /// Parts of the request without effect, as texts for a person.
    var remarks: [String] = []
    /// The service to build it for.
    var service: String?
    /// The text of the Dockerfile, to show errors in its lines.
    let source: SourceLines
    let file: BuildFile
    /// Findings of the linter.
    let findings: [Diagnostic]

    /// A Dockerfile by itself or in a folder.
    enum Dockerfile {
        case text(String, name: String)
        /// An absolute path, and the name of the file in messages.
        case file(String, name: String)
    }

    /// Reads and checks the Dockerfile, and opens the context, an absolute folder; nil for a build without one.
    /// - Throws: `CommandFailure` for a file that cannot be read, `BuildMistakes` for an invalid Dockerfile.
    ///
    /// `shown` is the name of the context in messages, if it differs from the folder. The build keeps `owner` alive.
    init(
        title: String, _ dockerfile: Dockerfile, context: String?, shown: String? = nil,
        owner: (any AnyObject & Sendable)? = nil,
        arguments: [String: String], target: String?
    ) throws {
        let (text, name, path) = try Self.read(dockerfile)
        source = SourceLines(file: name, bytes: Array(text.utf8))
        var findings = Findings(file: name)
        file = BuildFile(file: name, bytes: Array(text.utf8), findings: &findings)
        request = BuildRequest(title: title, dockerfile: text, file: name)
        request.arguments = arguments
        request.target = target
        var ignored: IgnoreFile?
        if let context {
            let ignore = try Self.ignoreFile(of: context, dockerfile: path)
            ignored = ignore
            do throws(SyscallError) {
                contexts[""] = try ContextFolder(context, ignoring: ignore ?? IgnoreFile(), owner: owner)
            } catch {
                throw CommandFailure(
                    "the build context \(context) cannot be read: \(error.code)",
                    hint: "`context:` is a folder, relative to the Compose file")
            }
            request.context = shown ?? context
        }
        if findings.hasErrors {
            throw BuildMistakes(diagnostics: findings.sorted.filter { $0.severity == .error }, source: source)
        }
        let automatic = BuildArguments.automatic(file, target: nil, stage: target)
        let known = BuildArguments(file, given: arguments, automatic: automatic, findings: &findings)
        var checker = Checker(
            file, options: try Self.checkOptions(arguments), arguments: known, automatic: automatic, ignored: ignored
        ) { _ in nil }
        self.findings = checker.run()
        let errors = self.findings.filter { $0.severity == .error }
        guard errors.isEmpty else { throw BuildMistakes(diagnostics: errors, source: source) }
    }

    /// The options of the build argument `BUILDKIT_DOCKERFILE_CHECK`, which stand in for those of the file; nil without it.
    private static func checkOptions(_ arguments: [String: String]) throws -> CheckOptions? {
        guard let text = arguments["BUILDKIT_DOCKERFILE_CHECK"] else { return nil }
        do throws(CheckOptions.Failure) { return try CheckOptions(text) } catch {
            throw CommandFailure(
                "the build argument BUILDKIT_DOCKERFILE_CHECK is \"\(text)\": \(error)",
                hint: "use skip=NAME,NAME and error=true, separated by ;")
        }
    }

    /// The mistakes that a build would report before its first step.
    var mistakes: [Diagnostic] {
        var findings = Findings(file: file.file)
        let automatic = BuildArguments.automatic(
            file, target: request.platform.flatMap(Platform.init), stage: request.target)
        let arguments = BuildArguments(file, given: request.arguments, automatic: automatic, findings: &findings)
        let bases = arguments.bases(of: file, findings: &findings)
        _ = arguments.platforms(of: file, findings: &findings)
        _ = StageGraph(
            file, bases: bases, contexts: Set(request.contexts.keys), target: request.target, findings: &findings)
        return findings.sorted
    }

    private static func read(_ dockerfile: Dockerfile) throws -> (text: String, name: String, path: String?) {
        switch dockerfile {
        case .text(let text, let name): return (text, name, nil)
        case .file(let path, let name):
            do throws(SyscallError) {
                return (String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self), name, path)
            } catch {
                let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
                let names = (try? folderEntries(folder)) ?? []
                let own = path.split(separator: "/").last.map(String.init) ?? path
                let near = nearest(to: own, among: names) ?? names.first { $0.lowercased().hasPrefix("dockerfile") }
                throw CommandFailure(
                    "the Dockerfile \(path) cannot be read: \(error.code)",
                    hint: near.map { "did you mean \(folder)/\($0)?" }
                        ?? "name it with -f, or `dockerfile:` under `build:`")
            }
        }
    }

    /// `NAME.dockerignore` beside the Dockerfile, or else the one in the context; nil without either.
    static func ignoreFile(of context: String, dockerfile: String?) throws -> IgnoreFile? {
        for path in (dockerfile.map { ["\($0).dockerignore"] } ?? []) + ["\(context)/.dockerignore"] {
            guard let bytes = try? readFile(path, limit: 4 << 20) else { continue }
            var findings = Findings(file: path)
            let ignored = IgnoreFile(file: path, bytes: bytes, findings: &findings)
            guard !findings.hasErrors else {
                throw BuildMistakes(
                    diagnostics: findings.sorted, source: SourceLines(file: path, bytes: bytes))
            }
            return ignored
        }
        return nil
    }
}

/// Errors in a Dockerfile, or in what it refers to, each at its place.
struct BuildMistakes: Error, CustomStringConvertible {
    let diagnostics: [Diagnostic]
    let source: SourceLines
    var description: String { diagnostics.map(\.message).joined(separator: "\n") }
}

extension Session {
    func show(_ mistakes: BuildMistakes) {
        for (index, diagnostic) in mistakes.diagnostics.enumerated() {
            if index > 0, progress != .json { stderr.line() }
            show(diagnostic, of: mistakes.source)
        }
    }

    func show(_ diagnostic: Diagnostic, of source: SourceLines) {
        guard progress != .json else { return stderr.line(DiagnosticLine.text(diagnostic)) }
        let line = diagnostic.place.flatMap { $0.file == source.file ? source.text(ofLine: $0.line) : nil }
        stderr.line(diagnostic.render(over: line, colour: errorStyle.isColoured))
    }

    func show(_ note: BuildNote, of source: SourceLines, as severity: Diagnostic.Severity) {
        let place = note.place.map {
            SourceRange(file: $0.file, line: $0.line, column: $0.column, length: $0.length)
        }
        show(Diagnostic(severity, at: place, note.message, hint: note.hint), of: source)
        guard !note.log.isEmpty, progress != .json else { return }
        stderr.line(errorStyle(.bold, "its last lines:"))
        for line in note.log { stderr.line("  \(errorStyle(.faint, "|")) \(line)") }
    }
}
