import Engine
import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel

/// An engine on a simulated machine, with a database of its own in `folder`.
struct SimulatedEngine {
    let engine: Engine
    let machine: SimulatedMachine
    let folder: String

    /// `busybox` is there.
    init(folder: String, machine: SimulatedMachine) async throws {
        machine.addImage("busybox", id: "sha256:1")
        try makeFolders(folder, mode: 0o700)
        let store = try Store(path: "\(folder)/engine.db")
        var settings = EngineSettings()
        (settings.root, settings.run) = (folder, folder)
        engine = Engine(
            settings: settings, store: store, content: try await store.load(), machine: machine,
            resolver: { .init() }, log: Logger(label: "simulated") { _ in SwiftLogNoOpLogHandler() })
        self.machine = machine
        self.folder = folder
    }

    /// Runs `body` with an engine that has started.
    static func with<Result: Sendable>(
        _ body: (SimulatedEngine) async throws -> Result
    ) async throws -> Result {
        let folder = try temporaryFolder()
        defer { try? removeTree(folder) }
        let simulated = try await SimulatedEngine(folder: folder, machine: SimulatedMachine(seed: 1))
        await simulated.engine.start()
        return try await body(simulated)
    }

    static func temporaryFolder() throws -> String {
        var template = "/tmp/berth-engine-XXXXXX".utf8CString.map { $0 }
        try syscall("mkdtemp", on: "/tmp") { mkdtemp(&template) == nil ? -1 : 0 }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func submit(_ verb: Verb, _ services: [Service]? = nil) async throws -> Operation {
        let project = services.map { Project(name: "demo", services: $0) }
        return try await engine.submit(
            OperationRequest(key: machine.newID(), verb: verb, project: project), to: "demo")
    }

    @discardableResult
    func perform(_ verb: Verb, _ services: [Service]? = nil) async throws -> OperationOutcome {
        let operation = try await submit(verb, services)
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    /// A service that runs until it is stopped.
    static func service(_ name: String) -> Service {
        var service = Service(name: name, image: "busybox")
        service.command = ["sleep", "infinity"]
        return service
    }
}
