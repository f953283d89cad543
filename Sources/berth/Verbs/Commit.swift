import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth commit`: creates an image from the current state of a service's container.
struct Commit: Verb {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Create an image from a container")

    @Option(name: .shortAndLong, help: "The author") var author: String?
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "A Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, USER, WORKDIR, VOLUME, LABEL …")
    var change: [String] = []
    @Option(help: "The replica's number (default: the lowest)") var index: Int?
    @Option(name: .shortAndLong, help: "A message for the image's history") var message: String?
    @Flag(name: .customLong("pause"), inversion: .prefixedNo, help: "Pause the container while the image is created")
    var pauses = true
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service, or a container's name") var service: String
    @Argument(help: "The image's name") var name: String?

    func run(in session: Session) throws {
        try session.refuseDryRun("commit")
        guard let container = try session.anyContainers(of: service, index: index).first else {
            throw CommandFailure("no such container: \(service)")
        }
        var request = CommitRequest(reference: name)
        request.author = author
        request.message = message
        request.changes = change
        request.pauses = pauses
        session.stdout.line(try session.engine.commit(request, of: container.id).id)
    }
}

/// `berth container diff`: lists the differences from the image.
struct ContainerDiff: Verb {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "List what differs from a container's image")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The container") var container: String

    func run(in session: Session) throws {
        for change in try session.engine.changes(of: container) {
            let letter =
                switch change.kind {
                case .changed: "C"
                case .added: "A"
                case .deleted: "D"
                }
            session.stdout.line("\(letter) \(change.path)")
        }
    }
}
