import ArgumentParser
import ComposeFile
import Console
import Linux
import ProjectModel

/// Flags of `run` and `container run` that change the settings of one container.
struct RunOverrides: ParsableArguments {
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "NAME=VALUE, or NAME for the value in your environment")
    var env: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "A file of variables") var envFromFile: [String] = []
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue, help: "A volume or folder: SOURCE:TARGET[:OPTIONS]")
    var volume: [String] = []
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue, help: "A port: [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]")
    var publish: [String] = []
    @Option(parsing: .unconditional, help: "Another entrypoint") var entrypoint: String?
    @Option(name: .shortAndLong, help: "Run as this user") var user: String?
    @Option(name: [.customLong("workdir"), .customShort("w")], help: "The working directory of the command") var folder:
        String?
    @Option(name: .shortAndLong, parsing: .unconditionalSingleValue, help: "NAME=VALUE") var label: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "A capability to add") var capAdd: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "A capability to drop") var capDrop: [String] = []

    /// The container's settings: the service's without its name, ports and restart policy, and with the flags applied.
    func applied(
        to template: Service, command: [String], project: Project?, keepsPorts: Bool, session: Session
    ) throws -> Service {
        var service = template
        service.containerName = nil
        service.restart = .no
        service.scale = 1
        if !keepsPorts { service.ports = [] }
        if let entrypoint {
            guard let words = CommandWords.split(entrypoint)?.words else {
                throw UsageFailure("--entrypoint has an unclosed quote: \(entrypoint)")
            }
            service.entrypoint = words
            service.command = []
        }
        if !command.isEmpty { service.command = command }
        for path in envFromFile { try addVariables(from: path, to: &service, session) }
        service.environment.merge(session.variables(env)) { $1 }
        if let user { service.user = user }
        if let folder { service.workingDir = folder }
        for text in label {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            service.labels[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        service.capAdd += capAdd
        service.capDrop += capDrop
        for text in publish { service.ports += try Self.ports(text) }
        for text in volume { try add(volume: text, to: &service, project, session) }
        return service
    }

    private static func ports(_ text: String) throws -> [PortMapping] {
        do throws(PortSpec.Failure) {
            return try PortSpec.parse(text).map {
                PortMapping(target: $0.target, published: $0.published, hostIP: $0.hostIP, transport: $0.transport)
            }
        } catch { throw UsageFailure("--publish \(text): \(error.message)") }
    }

    private func add(volume text: String, to service: inout Service, _ project: Project?, _ session: Session) throws {
        let spec: VolumeSpec
        do throws(VolumeSpec.Failure) { spec = try VolumeSpec.parse(text) } catch {
            throw UsageFailure("--volume \(text): \(error.message)")
        }
        let kind: ServiceVolume.Kind
        if spec.isBind, let source = spec.source {
            // Unlike in the file, a path on the command line is relative to the working directory.
            let path = Self.absolute(source, in: session.workingDirectory)
            kind = .bind(
                source: path, createHostPath: true, propagation: spec.propagation, recursive: nil, selinux: spec.selinux
            )
        } else {
            if let source = spec.source, let project { try session.check(volume: source, in: project) }
            kind = .volume(source: spec.source, noCopy: spec.noCopy, subpath: nil)
        }
        service.volumes.removeAll { $0.target == spec.target }
        service.volumes.append(ServiceVolume(kind: kind, target: spec.target, readOnly: spec.readOnly))
    }

    private static func absolute(_ path: String, in folder: String) -> String {
        if path.hasPrefix("/") { return path }
        let rest = path.hasPrefix("./") ? path.dropFirst(2) : path[...]
        return rest.isEmpty || rest == "." ? folder : "\(folder)/\(rest)"
    }

    private func addVariables(from path: String, to service: inout Service, _ session: Session) throws {
        do {
            let bytes = try readFile(path)
            let values = try DotEnv.parseRaw(bytes) { session.environment[$0] }
            service.environment.merge(values) { $1 }
        } catch let error as SyscallError {
            throw CommandFailure("--env-from-file: \(error)")
        } catch let error as DotEnv.Failure {
            throw CommandFailure("\(path):\(error.line): \(error.message)")
        }
    }
}

extension Session {
    /// A volume of a one-off must be declared in the file, so that its owner is known.
    func check(volume: String, in project: Project) throws {
        guard project.volumes[volume] == nil else { return }
        let known = project.volumes.keys.sorted().joined(separator: ", ")
        throw CommandFailure(
            "the project has no volume \"\(volume)\"",
            hint: known.isEmpty ? "a folder begins with ./ or /" : "its volumes: \(known); a folder begins with ./ or /"
        )
    }
}
