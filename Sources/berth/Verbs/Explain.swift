import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth explain`: explains why containers are in their state.
struct Explain: Verb {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain the state of a service's containers, and show their history",
        discussion:
            "Shows the desired state of a container, what it waits for, the last answer of its health check, and its history: "
            + "starts and ends with their causes, and what changed when. `down` deletes the history.")

    @Flag(help: "Print the whole history as JSON") var json = false
    @Option(name: [.customLong("tail"), .customShort("n")], help: "The number of last events, or all (default: 20)")
    var tail: TailArgument?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services or containers (default: all services)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let explanations = try explanations(in: session)
        if json { return try session.print(json: explanations) }
        let limit = tail.map { $0.lines ?? Int.max } ?? 20
        let text = ExplanationText(
            now: session.now, style: session.style, limit: limit, offset: CallingProcess.localOffset)
        session.stdout.write(explanations.map { text.text($0) }.joined(separator: "\n"))
    }

    private func explanations(in session: Session) throws -> [Explanation] {
        if let name = services.first, services.count == 1, let row = session.freeContainer(name) {
            return [try session.engine.explain(container: row.id)]
        }
        let scope = try session.scope(services)
        var names = scope.named.services
        if scope.named.isEmpty {
            names = try session.knownServices(of: scope.target, containers: scope.containers).sorted()
        }
        var result: [Explanation] = []
        for name in names {
            do throws(EngineFailure) {
                result += try session.engine.explain(service: name, in: scope.target.name)
            } catch {
                // With no names, some services may never have been started.
                guard scope.named.isEmpty, error.code == .notFound else { throw error }
            }
        }
        for row in scope.named.containers { result.append(try session.engine.explain(container: row.id)) }
        return result
    }
}
