import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth ls`: lists the projects on this machine.
struct List: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List projects")

    @Flag(name: .shortAndLong, help: "Also list projects without running containers") var all = false
    @Option(parsing: .unconditionalSingleValue, help: "name=TEXT") var filter: [String] = []
    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only names") var quiet = false
    @OptionGroup(title: "Project") var global: GlobalOptions

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let names = try filter.map { text -> String in
            guard text.hasPrefix("name=") else {
                throw UsageFailure("unknown filter \"\(text)\"", hint: "there is: name=TEXT")
            }
            return String(text.dropFirst("name=".count))
        }
        var projects = try session.engine.projects().sorted { $0.name < $1.name }
        if !all {
            for index in projects.indices {
                projects[index].states = projects[index].states.filter {
                    ["running", "paused", "restarting"].contains($0.key)
                }
            }
            projects.removeAll { $0.states.values.allSatisfy { $0 == 0 } }
        }
        if !names.isEmpty { projects.removeAll { project in !names.contains { project.name.contains($0) } } }
        if quiet { return session.stdout.write(projects.map { "\($0.name)\n" }.joined()) }
        try session.print(projects.map(ObjectListings.fields), format: format, shape: .array, minimum: 20) {
            ObjectListings.table(projects, width: session.stdout.width)
        }
    }
}
