import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth top`: lists processes in containers.
struct Top: Verb {
    static let configuration = CommandConfiguration(commandName: "top", abstract: "List the processes of services")

    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let running = try session.scope(services).chosen.filter { [.running, .paused].contains($0.state) }
            .sorted { $0.name < $1.name }
        var processes: [(container: ContainerRow, rows: [ProcessRow])] = []
        for container in running {
            do throws(EngineFailure) {
                processes.append((container, try session.engine.processes(of: container.id)))
            } catch {
                // It has ended since the list was made.
                if error.code != .notFound && error.code != .conflict { throw error }
            }
        }
        guard !processes.isEmpty else { return }
        let now = session.now
        session.stdout.write(
            ObjectListings.table(processes, now: now, offset: CallingProcess.localOffset(at: now)))
    }
}
