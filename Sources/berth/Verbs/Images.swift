import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth images`: lists the images of the project's containers.
struct Images: Verb {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List the images of the project's containers")

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only ids") var quiet = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let scope = try session.scope(services)
        let images = try session.engine.images()
        let rows = scope.chosen
            .sorted { $0.name < $1.name }
            .map { container in
                let same = images.filter { $0.id == container.imageID }
                let named = same.first { $0.reference?.hasPrefix(container.image) == true } ?? same.first
                return ObjectListings.ContainerImage(
                    container: container.name, image: named, name: container.image, id: container.imageID)
            }
        if quiet {
            var seen = Set<String>()
            let ids = rows.map { $0.id.split(separator: ":").last.map(String.init) ?? $0.id }
            return session.stdout.write(ids.filter { seen.insert($0).inserted }.map { "\($0)\n" }.joined())
        }
        try session.print(rows.map(ObjectListings.fields), format: format, shape: .array, minimum: 20) {
            ObjectListings.table(rows, now: session.now, width: session.stdout.width)
        }
    }
}
