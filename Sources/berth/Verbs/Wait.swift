import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth wait`: waits until containers have ended.
struct Wait: Verb {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until services have ended; exit with the code of the last one")

    @Flag(help: "Afterwards remove the project, as `down` does") var downProject = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services", completion: .services) var services: [String]

    func run(in session: Session) throws {
        let scope = try session.scope(services)
        let target = scope.target
        let ids = Set(scope.named.containers.map(\.id))
        // The stream first, then the list, so that a container that ends in between is in one of them.
        let stream = try session.engine.logs(
            LogRequest(
                services: Set(scope.named.services + scope.named.containers.map(\.service)).sorted(), follow: true,
                includeAll: scope.named.containers.contains(where: \.isOneOff), onlyEnds: true), of: target.name)
        let containers = try session.engine.containers(of: target.name, all: true).filter {
            ids.contains($0.id) || scope.named.services.contains($0.service) && !$0.isOneOff
        }
        guard !containers.isEmpty else { throw CommandFailure("no containers for project \"\(target.name)\"") }
        var last = 0
        var waiting: [String: ContainerRow] = [:]
        func end(_ container: ContainerRow, _ code: Int) {
            session.stdout.line("container \"\(container.id)\" exited with status code \(code)")
            last = code
        }
        for container in containers {
            if container.state == .exited || container.state == .dead {
                end(container, container.exitCode ?? 0)
            } else {
                waiting[container.name] = container
            }
        }
        while !waiting.isEmpty, let line = try stream.next() {
            guard case .exited(let code, willRestart: false, _) = line.event,
                let container = waiting.removeValue(forKey: line.container)
            else { continue }
            end(container, code)
        }
        for container in waiting.values.sorted(by: { $0.name < $1.name }) {
            end(container, try session.engine.container(container.id).exitCode ?? 0)
        }
        if downProject {
            let request = OperationRequest(key: session.makeKey(), verb: .down(DownOptions()), project: target.project)
            try session.perform(request, in: target.name)
        }
        if last != 0 { throw ExitStatus.container(last) }
    }
}
