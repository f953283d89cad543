import Engine
import EngineAPI
import EngineWire
import Glibc
import Images
import JSON
import Linux
import Logging

/// `berthd`: the engine of one root folder. Configured by a file, its environment and its flags; it reports on
/// descriptor 3 when it is ready.
@main
struct Main {
    static func main() async {
        // First of all, because this may be a process that only unpacks a layer.
        if CommandLine.arguments.dropFirst().first == unpackWorkerVerb { exit(runUnpackWorker()) }
        if CommandLine.arguments.dropFirst().first == copyHelperVerb { exit(runCopyHelper()) }
        signal(SIGPIPE, SIG_IGN)
        Heap.limit(to: 2)
        let settings = settings()
        let log = StandardErrorLog.logger(level: settings.engine.logLevel)
        do {
            let daemon = try await Daemon(settings: settings, log: log)
            ReadyPipe.report(nil)
            ServiceManager.reportReady(CommandLine.environment)
            await daemon.run()
        } catch {
            let failure = EngineFailure(describing: error)
            ReadyPipe.report(failure)
            let hint = failure.hint.map { "; \($0)" } ?? ""
            log.critical("\(failure.message)\(hint)")
            exit([EngineFailure.Code.locked, .alreadyRunning].contains(failure.code) ? 3 : 1)
        }
    }

    /// The engine's settings. Ends the program if they are invalid, or if it should only print something.
    private static func settings() -> Settings {
        do throws(EngineFailure) {
            let arguments = try Arguments(CommandLine.arguments.dropFirst())
            if let show = arguments.show, show != .check { finish(Arguments.text(show)) }
            let settings = try Settings(arguments: arguments, environment: CommandLine.environment)
            if let show = arguments.show { finish(Arguments.text(show, notes: settings.engine.notes)) }
            return settings
        } catch {
            ReadyPipe.report(error)
            printError("berthd: \(error.message)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
            exit(error.code == .usage ? 2 : 1)
        }
    }

    private static func finish(_ text: String) -> Never {
        let bytes = Array(text.utf8)
        _ = write(1, bytes, bytes.count)
        exit(0)
    }
}

extension CommandLine {
    /// The process's environment.
    static var environment: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return result
    }
}
