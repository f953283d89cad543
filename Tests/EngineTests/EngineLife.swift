import Engine
import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel
import Reconcile

/// A life of one project told by a seed: verbs, faults and crashes, through the engine and its database.
final class EngineLife {
    static let volume = "demo_data"
    private let folder: String
    private var random: SplitMix64
    private var machine: SimulatedMachine
    private var engine: Engine
    private var incarnation = 0
    private(set) var story: [String] = []
    /// A `down -v` was asked for since the last `up` that succeeded: the volume may go, also later when a crash came between.
    private var mayLoseVolume = false

    init(seed: UInt64) async throws {
        folder = "/tmp/berth-engine-life-\(getpid())-\(seed)"
        random = SplitMix64(state: seed)
        try removeTree(folder)
        try makeFolders("\(folder)/0", mode: 0o700)
        (engine, machine) = try await Self.engine("\(folder)/0", seed: seed, world: .init())
    }

    deinit { try? removeTree(folder) }

    private static func engine(
        _ folder: String, seed: UInt64, world: SimulatedMachine.World
    ) async throws -> (Engine, SimulatedMachine) {
        let machine = SimulatedMachine(seed: seed, world: world)
        machine.addImage("busybox", id: "sha256:1")
        let store = try Store(path: "\(folder)/engine.db")
        var settings = EngineSettings()
        (settings.root, settings.run) = (folder, folder)
        let engine = Engine(
            settings: settings, store: store, content: try await store.load(),
            machine: machine,
            real: nil, resolver: { .init() }, log: Logger(label: "life") { _ in SwiftLogNoOpLogHandler() })
        return (engine, machine)
    }

    // MARK: Steps

    /// One verb with whatever goes wrong meanwhile. Returns what was lost that nobody gave up.
    func step() async throws -> [String] {
        var faults = SimulatedMachine.Faults()
        if chance(30) { (faults.createFails, faults.spawnFails, faults.releaseFails) = (150, 150, 150) }
        machine.setFaults(faults)
        let lostBefore = machine.world.removedVolumes.count
        let request = nextRequest()
        if case .down(let options) = request.verb, options.volumes { mayLoseVolume = true }
        let crashes = chance(35)
        if crashes { prepareCrash(afterCalls: Int(random.next() % 12)) }
        let outcome = try await perform(request)
        story.append("\(request.verb) → \(outcome.status)\(crashes ? ", crashed" : "")")
        let lost = machine.world.removedVolumes[lostBefore...].filter { $0 == Self.volume }
        let complaints = mayLoseVolume ? [] : lost
        if case .up = request.verb, outcome.status == .succeeded, !crashes { mayLoseVolume = false }
        if crashes { try await reboot() } else if chance(30) { disturb() }
        return complaints
    }

    // MARK: Crashes

    /// From the crash on the old engine acts on nothing, and the next one finds the database as it was in that moment.
    private func prepareCrash(afterCalls count: Int) {
        let old = "\(folder)/\(incarnation)"
        let new = "\(folder)/\(incarnation + 1)"
        machine.crash(afterCalls: count) { Self.copyDatabase(from: old, to: new) }
    }

    private static func copyDatabase(from old: String, to new: String) {
        try? makeFolders(new, mode: 0o700)
        for name in ["engine.db", "engine.db-wal"] {
            guard let bytes = try? readFile("\(old)/\(name)") else { continue }
            try? writeFileAtomically("\(new)/\(name)", bytes)
        }
    }

    private func reboot() async throws {
        machine.crash(afterCalls: 0) {}
        let new = "\(folder)/\(incarnation + 1)"
        // The operation ended before it came to the crash: it comes now.
        if !fileExists(new) { Self.copyDatabase(from: "\(folder)/\(incarnation)", to: new) }
        incarnation += 1
        (engine, machine) = try await Self.engine(new, seed: random.next(), world: machine.world)
        try await engine.start()
    }

    /// Something happens to the machine by itself.
    private func disturb() {
        let running = machine.world.containers.filter(\.value).keys.sorted()
        if let first = running.first, chance(60) {
            machine.end(first, code: chance(50) ? 0 : 1)
            story.append("a container ended")
        } else if let network = machine.world.networks.sorted().first {
            machine.loseNetwork(network)
            story.append("a bridge was deleted")
        }
    }

    // MARK: Requests

    private func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private func perform(_ request: OperationRequest) async throws -> OperationOutcome {
        let operation = try await engine.submit(request, to: "demo")
        for await _ in operation.events() {}
        return operation.outcome ?? OperationOutcome(status: .failed)
    }

    private func request(_ verb: Verb, _ project: Project? = nil) -> OperationRequest {
        OperationRequest(key: "\(random.next())", verb: verb, project: project)
    }

    private func nextRequest() -> OperationRequest {
        var up = UpOptions()
        var down = DownOptions()
        switch random.next() % 16 {
        case 0...5:
            if chance(20) { up.recreate = .force }
            up.removeOrphans = chance(30)
            if chance(20) { up.scale = ["web": Int(random.next() % 3)] }
            return request(.up(up), project(level: Int(random.next() % 3), without: chance(20) ? "api" : nil))
        case 6: return request(.stop(timeout: nil))
        case 7: return request(.start(wait: false, waitTimeout: nil))
        case 8: return request(.restart(timeout: nil, dependents: chance(50)))
        case 9: return request(.pause)
        case 10: return request(.unpause)
        case 11: return request(.kill(signal: "KILL", removeOrphans: false))
        case 12: return request(.remove(stop: chance(50), volumes: chance(50)))
        case 13: return request(.create(up), project(level: Int(random.next() % 3)))
        default:
            down.volumes = chance(40)
            return request(.down(down))
        }
    }

    /// A database with a volume, an interface to it in one or two replicas, and a page in front, at different stages of writing.
    private func project(level: Int, without missing: String? = nil) -> Project {
        var project = Project(name: "demo", services: [])
        project.networks = ["default": NetworkDefinition(name: "demo_default")]
        project.volumes = ["data": VolumeDefinition(name: Self.volume)]
        for name in ["api", "db", "web"] where name != missing {
            var service = Service(name: name, image: "busybox")
            service.command = ["sleep", "infinity"]
            service.networks = [NetworkAttachment(network: "default")]
            switch name {
            case "db":
                service.volumes = [
                    ServiceVolume(kind: .volume(source: "data", noCopy: false, subpath: nil), target: "/data"),
                    ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/scratch"),
                ]
                service.restart = .always
            case "api":
                service.dependsOn = [Dependency(service: "db", condition: .started)]
                service.environment["LEVEL"] = "\(level)"
            default:
                service.scale = 1 + level % 2
                if missing == nil {
                    service.dependsOn = [Dependency(service: "api", condition: .started, restart: true)]
                }
            }
            project.services.append(service)
        }
        return project
    }
}
