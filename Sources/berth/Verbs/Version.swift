import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON

/// `berth version`: prints the version of this program, and of the engine if one runs.
struct Version: Verb {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show versions")

    @Flag(help: "Print only the number") var short = false
    @Option(name: .shortAndLong, help: "pretty or json") var format: String?
    @OptionGroup(title: "Project") var global: GlobalOptions

    func run(in session: Session) throws {
        if short { return session.stdout.line(WireVersion.product) }
        // Never starts an engine: asking for a version must not change the machine.
        let engine = session.engine.isRunning ? try session.engine.version() : nil
        switch format {
        case nil, "", "pretty":
            session.stdout.line("berth version \(WireVersion.product)")
            if let engine {
                session.stdout.line(
                    "engine version \(engine.version), process \(engine.processID), root \(engine.root), "
                        + "kernel \(engine.kernel), cgroup \(engine.cgroup)")
            }
        case "json":
            var answer: JSONValue = ["version": .string(WireVersion.product)]
            if let engine, case .object(var object) = answer {
                object["engine"] = try JSONValue(encoding: engine)
                answer = .object(object)
            }
            session.stdout.line(answer.text())
        case let other?: throw UsageFailure("unknown format \"\(other)\"", hint: "use pretty or json")
        }
    }
}
