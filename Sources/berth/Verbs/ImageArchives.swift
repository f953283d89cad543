import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth image import`: creates an image with one layer.
struct ImageImport: Verb {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Create an image from a root file system in a tar")

    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "A Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, USER, WORKDIR, VOLUME, LABEL, HEALTHCHECK …")
    var change: [String] = []
    @Option(name: .shortAndLong, help: "A message for the image's history") var message: String?
    @Option(help: "os/architecture[/variant]") var platform: String?
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The tar, plain or compressed; - for standard input") var file: String
    @Argument(help: "The image's name") var name: String

    func run(in session: Session) throws {
        try session.refuseDryRun("image import")
        let request = ImportRequest(reference: name, changes: change, message: message, platform: platform)
        let images = try session.send(file, as: name, "Importing", quiet: quiet) { upload in
            try session.engine.importImage(request, from: upload)
        }
        for image in images { session.stdout.line(image.id) }
    }
}

/// `berth image load`: loads images from an archive.
struct ImageLoad: Verb {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load images from an archive of `docker save`")

    @Option(name: .shortAndLong, help: "The file (default: standard input)") var input: String?
    @Flag(name: .shortAndLong, help: "Print nothing") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("image load")
        if input == nil, Terminal.isTerminal(Terminal.stdin) {
            throw UsageFailure("nothing to load", hint: "docker save NAME | berth image load, or -i FILE")
        }
        let name = input.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "archive"
        let images = try session.send(input ?? "-", as: name, "Loading", quiet: quiet) { upload in
            try session.engine.loadImages(from: upload, name: name)
        }
        if quiet { return }
        for image in images {
            session.stdout.line(image.reference.map { "Loaded image: \($0)" } ?? "Loaded image ID: \(image.id)")
        }
    }
}

extension Session {
    /// Sends the file at `path`, or standard input for "-", and follows the operation. Shows the progress of both.
    fileprivate func send(
        _ path: String, as name: String, _ status: String, quiet: Bool,
        _ begin: (Upload) throws -> EngineStream<ProgressEvent>
    ) throws -> [ImageRow] {
        let input: OwnedFD
        do throws(SyscallError) { input = try openInput(path) } catch {
            throw CommandFailure("cannot read \(path): \(error.code)")
        }
        let reporter = makeReporter(quiet: quiet)
        let stream: EngineStream<ProgressEvent>
        do {
            stream = try upload(input, name, status, reporter, begin)
        } catch {
            reporter.finish()
            throw error
        }
        let operation = RunningOperation(stream, in: self, reporter: reporter)
        try follow(operation, reporter: reporter)
        _ = try conclude(operation, try unwrap(operation.outcome))
        return operation.images
    }

    /// Ctrl-C ends it, even while a pipe delivers nothing.
    private func upload(
        _ input: borrowing OwnedFD, _ name: String, _ status: String, _ reporter: any ProgressReporter,
        _ begin: (Upload) throws -> EngineStream<ProgressEvent>
    ) throws -> EngineStream<ProgressEvent> {
        let signals = try CaughtSignals(CaughtSignals.ending)
        let (source, caught) = (input.raw, signals.raw)
        // In plain mode, print each line once: the engine prints this one when it has everything, so show another until
        // then.
        let shown = reporter is PlainProgress ? "Reading" : status
        reporter.show(.object(ObjectProgress(kind: .image, name: name, status: shown, isDone: false)))
        var told = 0
        let upload = Upload(source) { (sent, total) throws(SyscallError) -> Bool in
            // Steps of one per cent are fine enough.
            if sent - told >= total.map({ max(1, $0 / 100) }) ?? 8 << 20 {
                told = sent
                reporter.show(.transfer(object: name, done: Int64(sent), total: total.map { Int64($0) }))
            }
            while true {
                var ready = [Readiness(source, for: .reading), Readiness(caught, for: .reading)]
                try waitForReadiness(&ready, timeout: reporter.isAnimated ? .milliseconds(100) : nil)
                if ready[1].isReadable { return false }
                if ready[0].isReadable { return true }
                reporter.tick()
            }
        }
        do {
            let stream = try begin(upload)
            _ = signals.next()
            return stream
        } catch let failure as EngineFailure where failure.code == .interrupted {
            throw ExitStatus.interrupted
        }
    }
}
