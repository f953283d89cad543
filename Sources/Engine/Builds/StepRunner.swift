import Builder
import EngineWire
import Glibc
import Logging
import OCI
import ProjectModel

/// Runs a RUN as a container: confined like any other, on a network with name service, and visible only to the build.
///
/// Its record is there from before the first thing is made until the last is gone, and never gets beyond being made: what a
/// crash leaves is taken away at the next start, and no list shows it.
struct StepRunner: StepContainers {
    let parts: EngineParts

    /// The network of builds, made when the first needs it.
    static let network = "berth_build"

    func with(
        _ step: RunStep, in room: StepRoom, _ body: @Sendable (ContainerRecord) async throws -> StepEnd
    ) async throws -> StepEnd {
        let machine = parts.machine
        let id = machine.newID()
        let network = network(step, room.request)
        if network == Self.network {
            try await makeNetwork()
        } else if let network, await parts.inventory.network(network) == nil {
            throw EngineFailure(
                code: .notFound, message: "there is no network \(network) for the steps of this build",
                hint: "`berth network ls` lists what there is; one of the project is made by `berth create`")
        }
        let draft = record(id, step, room)
        do {
            let record = try await parts.inventory.insertAllocating(draft) { network in
                machine.linkName(ofContainer: id, network: network)
            }
            try await machine.attach(record, Surroundings())
            if !record.endpoints.isEmpty { try await parts.network.begin(id) }
            let ended = try await withTaskCancellationHandler {
                try await body(record)
            } onCancel: {
                Task { try? await machine.signal(id, number: SIGKILL, all: true) }
            }
            await end(id)
            return ended
        } catch {
            await end(id)
            throw error
        }
    }

    private func end(_ id: String) async {
        await parts.network.end(id)
        do { _ = try await parts.runner.finishInterrupted(id) } catch {
            parts.log.warning("the remains of a build step could not be removed: \(error)")
        }
        await parts.network.settle()
    }

    private func makeNetwork() async throws {
        guard await parts.inventory.network(Self.network) == nil else { return }
        do {
            try await parts.objects.createNetwork(NetworkDefinition(name: Self.network), project: nil, key: nil)
        } catch let failure as EngineFailure where failure.code == .conflict {
            // Another step was faster.
            guard await parts.inventory.network(Self.network) != nil else { throw failure }
        }
    }

    /// The network that the step is attached to; nil where it has none of its own.
    private func network(_ step: RunStep, _ request: BuildRequest) -> String? {
        guard mode(step, request) == nil else { return nil }
        let name = step.network == "default" ? request.network ?? "default" : step.network
        return name == "default" ? Self.network : name
    }

    private func mode(_ step: RunStep, _ request: BuildRequest) -> NetworkMode? {
        switch step.network == "default" ? request.network ?? "default" : step.network {
        case "none": NetworkMode.none
        case "host": .host
        default: nil
        }
    }

    private func record(_ id: String, _ step: RunStep, _ room: StepRoom) -> ContainerRecord {
        var template = ContainerTemplate()
        template.entrypoint = step.arguments
        template.user = step.user
        template.workingDir = step.folder
        template.hostname = step.hostname ?? "buildkitsandbox"
        template.privileged = step.isInsecure
        template.tty = room.hasTerminal
        template.stdinOpen = room.hasTerminal
        template.shmSize = room.request.shmSize
        template.ulimits = room.request.ulimits
        template.extraHosts = room.request.extraHosts
        for entry in room.environment {
            let name = entry.prefix { $0 != "=" }
            template.environment[String(name)] = String(entry[name.endIndex...].dropFirst())
        }
        template.networkMode = mode(step, room.request)
        if template.networkMode == nil { template.networks = [NetworkAttachment(network: "default")] }
        var execution = ImageConfig.Execution()
        execution.env = step.environment
        var record = ContainerRecord(
            id: id, name: "build-\(id.prefix(12))", owner: .free(name: "build-\(id.prefix(12))"),
            template: template,
            definitions: .init(), imageID: "", image: execution, labels: [:],
            createdAt: parts.machine.now(),
            recreateRound: 0, restartRound: 0, startRound: 0, joined: [:], endpoints: [], ports: [],
            mounts: [],
            life: .init(phase: .creating))
        if let network = network(step, room.request) {
            record.definitions.networks["default"] = NetworkDefinition(name: network)
        }
        for mount in room.mounts {
            let source: ContainerRecord.Mount.Source
            switch mount.source {
            case .bind(let path):
                source = .bind(
                    path: path, createHostPath: false, propagation: nil, isRecursive: true, isWritableBelow: nil)
            case .layers: source = .image(reference: "", subpath: nil)
            case .tmpfs(let size): source = .tmpfs(size: size, mode: nil, options: "exec")
            case .secret, .agent: continue
            }
            record.mounts.append(.init(source: source, target: mount.target, readOnly: mount.isReadOnly))
        }
        return record
    }
}
