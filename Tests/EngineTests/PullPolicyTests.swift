import Engine
import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel
import Testing

/// Which images an operation fetches.
@Suite struct PullPolicyTests {
    /// The image is here since an hour, for linux/amd64.
    static let cases: [(PullPolicy?, platform: String?, isBuilt: Bool, isPulled: Bool)] = [
        (nil, nil, false, false), (.missing, nil, false, false), (.never, nil, false, false),
        (.always, nil, false, true),
        (.every(.seconds(1800)), nil, false, true), (.every(.seconds(7200)), nil, false, false),
        (.missing, "linux/amd64", false, false), (.missing, "linux/arm64", false, true),
        (.every(.seconds(7200)), "linux/arm64", false, true), (.never, "linux/arm64", false, false),
        (.always, nil, true, false), (nil, nil, true, false),
    ]

    @Test("an image is fetched as its policy, its age and its platform say", arguments: cases.indices)
    func policy(row: Int) async throws {
        let (policy, platform, isBuilt, isPulled) = Self.cases[row]
        let folder = "/tmp/berth-pull-policy-\(getpid())-\(row)"
        try makeFolders(folder, mode: 0o700)
        defer { try? removeTree(folder) }
        let machine = SimulatedMachine(seed: 1)
        machine.addImage(
            "web", id: "sha256:1", platform: "linux/amd64", updated: machine.now() / 1_000_000_000 - 3600)
        let store = try Store(path: "\(folder)/engine.db")
        var settings = EngineSettings()
        settings.root = folder
        settings.run = folder
        let engine = Engine(
            settings: settings, store: store, content: try await store.load(),
            machine: machine, real: nil, resolver: { .init() },
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var service = Service(name: "web", image: "web")
        service.command = ["sleep", "infinity"]
        service.pullPolicy = policy
        service.platform = platform
        service.hasBuild = isBuilt
        let request = OperationRequest(
            key: "1", verb: .up(UpOptions()), project: Project(name: "demo", services: [service]))
        let operation = try await engine.submit(request, to: "demo")
        for await _ in operation.events() {}
        #expect(machine.world.journal.contains("pull web") == isPulled)
    }
}
