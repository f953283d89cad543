import Engine
import EngineAPI
import EngineWire
import Glibc
import Images
import JSON
import Linux
import Logging

/// `berthd`: the engine of one root folder. Configured by its environment, ready once it says so on descriptor 3.
@main
struct Main {
    static func main() async {
        // First of all: this may be a process that only unpacks a layer.
        if CommandLine.arguments.dropFirst().first == unpackWorkerVerb { exit(runUnpackWorker()) }
        signal(SIGPIPE, SIG_IGN)
        Heap.limit(to: 2)
        let settings = Settings(environment: CommandLine.environment)
        let log = StandardErrorLog.logger(level: settings.logLevel)
        do {
            let daemon = try await Daemon(settings: settings, log: log)
            ReadyPipe.report(nil)
            ServiceManager.reportReady(CommandLine.environment)
            await daemon.run()
        } catch {
            let failure = EngineFailure(describing: error)
            ReadyPipe.report(failure)
            log.critical("\(failure.message)")
            exit(failure.code == "locked" ? 3 : 1)
        }
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
