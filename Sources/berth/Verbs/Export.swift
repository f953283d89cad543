import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth export`: writes the file system of a service's container as a tar.
struct Export: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a container's file system as a tar")

    @Option(name: .shortAndLong, help: "The file (default: standard output)") var output: String?
    @Option(help: "The replica's number (default: the lowest)") var index: Int?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service, or a container's name") var service: String

    func run(in session: Session) throws {
        let container = try session.anyContainers(of: service, index: index).first
        guard let container else { throw CommandFailure("no such container: \(service)") }
        try session.export(container.id, to: output)
    }
}

/// `berth container export`: the same for a container's name or id.
struct ContainerExport: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a container's file system as a tar")

    @Option(name: .shortAndLong, help: "The file (default: standard output)") var output: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The container") var container: String

    func run(in session: Session) throws { try session.export(container, to: output) }
}

/// `berth image save`: writes images as an archive for `docker load`, podman and `berth image load`.
struct ImageSave: Verb {
    static let configuration = CommandConfiguration(commandName: "save", abstract: "Write images to an archive")

    @Option(name: .shortAndLong, help: "The file (default: standard output)") var output: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Images by name or id") var images: [String]

    func run(in session: Session) throws {
        try session.write(to: output) { try session.engine.save(images: images).receiveArchive(into: $0) }
    }
}

extension Session {
    fileprivate func export(_ container: String, to output: String?) throws {
        try write(to: output) { descriptor in
            try engine.archive(ArchiveRequest(path: "/", .export), of: container).receiveArchive(into: descriptor)
        }
    }

    /// Passes standard output to `body`, or a file that gets its name when it is complete.
    fileprivate func write(to path: String?, _ body: (CInt) throws -> Void) throws {
        guard let path, path != "-" else {
            guard !stdout.isTerminal else {
                throw UsageFailure(
                    "an archive cannot be shown on a terminal",
                    hint: "write it to a file with -o FILE, or to a pipe: … | tar tv")
            }
            return try body(1)
        }
        let file = try NewFile(path)
        try body(file.descriptor)
        try file.keep()
    }
}
