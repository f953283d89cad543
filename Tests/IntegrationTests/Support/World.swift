import EngineWire
import Glibc
import JSON
import Linux
import Networking
import Synchronization
import Testing

/// An engine of its own for one test: own root and run folder, own network, mounts and processes, one project folder.
///
/// Nothing outlives the test but, when it failed, the folder with all that commands said.
final class World: Sendable {
    static let isPossible =
        geteuid() == 0 && fileExists("/usr/bin/nsenter") && fileExists("/bin/busybox")
        && fileExists("\(programs)/berthd")

    /// Where this package's programs were built: beside the tests.
    static let programs: String = {
        let path = CallingProcess.executablePath ?? ""
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }()

    /// Issues recorded so far by tests that have the trait `keepingFolders`.
    static let issues = Atomic<Int>(0)

    let folder: String
    /// The project's name, and its folder's.
    let project: String
    private let namespaces: Namespaces
    private let commands = Atomic<Int>(0)

    private init(project: String) throws {
        folder = "/tmp/berth-tests-\(getpid())-\(project)"
        self.project = project
        try removeTree(folder)
        try makeFolders("\(folder)/\(project)", mode: 0o755)
        namespaces = try Namespaces()
    }

    /// Runs `body` with a world whose `project` has `compose` as its file, busybox already imported. The engine's root is a disk of
    /// its own of `disk` mebibytes, in memory, where that is given.
    static func with(
        project: String, _ compose: String = "", disk: Int? = nil, _ body: (World) async throws -> Void
    ) async throws {
        let world = try World(project: project)
        let issuesBefore = issues.load(ordering: .relaxed)
        do {
            if let disk {
                try await world.shell("mkdir \(world.root) && mount -t tmpfs -o size=\(disk)m disk \(world.root)")
            }
            try await world.berth("image", "import", "--change", "CMD [\"sh\"]", try BusyboxImage.archive, "busybox")
            if !compose.isEmpty { try world.write(compose) }
            try await body(world)
        } catch {
            world.end(keepsFolder: true)
            throw error
        }
        world.end(keepsFolder: issues.load(ordering: .relaxed) > issuesBefore)
    }

    private func end(keepsFolder: Bool) {
        namespaces.end()
        let cgroup = "berth-\(InstanceName(rootFolder: root).suffix)"
        let hierarchies = (try? folderEntries("/sys/fs/cgroup")) ?? []
        for hierarchy in hierarchies.map({ "/sys/fs/cgroup/\($0)" }) + ["/sys/fs/cgroup"] {
            for id in (try? folderEntries("\(hierarchy)/\(cgroup)")) ?? [] { rmdir("\(hierarchy)/\(cgroup)/\(id)") }
            rmdir("\(hierarchy)/\(cgroup)")
        }
        if !keepsFolder { try? removeTree(folder) }
    }

    var root: String { "\(folder)/root" }
    var run: String { "\(folder)/run" }
    var projectFolder: String { "\(folder)/\(project)" }

    // MARK: Files

    func write(_ text: String, to name: String = "compose.yaml", of project: String? = nil) throws {
        let path = "\(folder)/\(project ?? self.project)/\(name)"
        try makeFolders(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), mode: 0o755)
        try writeFileAtomically(path, Array("\(text)\n".utf8), mode: 0o644)
    }

    // MARK: Commands

    /// Runs `berth`, which must succeed.
    @discardableResult
    func berth(
        _ arguments: String..., input: String = "", in project: String? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Outcome {
        let outcome = try await start(["berth"] + arguments, input: input, in: project).outcome()
        try #require(outcome.status == 0, "\(outcome)", sourceLocation: place)
        return outcome
    }

    /// Runs `berth`, which may fail.
    func attempt(_ arguments: String..., input: String = "", in project: String? = nil) async throws -> Outcome {
        try await start(["berth"] + arguments, input: input, in: project).outcome()
    }

    /// Runs `berth` with these words; it may fail.
    func attempt(words: [String], in project: String? = nil) async throws -> Outcome {
        try await start(["berth"] + words, in: project).outcome()
    }

    /// Starts `berth` without waiting for it.
    func begin(_ arguments: String..., in project: String? = nil) throws -> RunningProgram {
        try start(["berth"] + arguments, in: project)
    }

    func begin(words: [String]) throws -> RunningProgram { try start(["berth"] + words) }

    /// Runs a shell command on the world's host; it must succeed. Returns what it printed, without the last newline.
    @discardableResult
    func shell(
        _ script: String, within limit: Duration = .seconds(60), at place: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let outcome = try await start(["/bin/sh", "-c", script]).outcome(within: limit)
        try #require(outcome.status == 0, "\(outcome)", sourceLocation: place)
        return outcome.trimmed
    }

    /// Starts `berth` at a terminal of its own.
    func atTerminal(_ arguments: String...) throws -> TerminalProgram {
        let words = ["berth"] + arguments
        return try TerminalProgram(
            "/usr/bin/nsenter", namespaces.entering(projectFolder) + words, command: words.joined(separator: " "),
            environment: environment)
    }

    private var environment: [String] {
        [
            "PATH=\(Self.programs):/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(folder)", "BERTH_ROOT=\(root)",
            "BERTH_RUN=\(run)", "BERTH_IDLE_EXIT=0", "LC_ALL=C.UTF-8",
        ]
    }

    private func start(_ words: [String], input: String = "", in project: String? = nil) throws -> RunningProgram {
        let place = "\(folder)/\(project ?? self.project)"
        try makeFolders(place, mode: 0o755)
        let number = commands.add(1, ordering: .relaxed).newValue
        return try RunningProgram(
            "/usr/bin/nsenter", namespaces.entering(place) + words, command: words.joined(separator: " "),
            environment: environment, input: input, folder: "\(folder)/commands/\(number)")
    }

    // MARK: The engine

    /// What the engine answers to a GET.
    func get<Answer: Decodable>(_ path: String, as type: Answer.Type) async throws -> Answer {
        let number = commands.add(1, ordering: .relaxed).newValue
        let words = [
            "curl", "--silent", "--show-error", "--fail-with-body", "--unix-socket", "\(run)/berthd.sock",
            "http://berth/v1/\(path)",
        ]
        let outcome = try await RunningProgram(
            "/usr/bin/curl", words, command: words.joined(separator: " "), environment: [], input: "",
            folder: "\(folder)/commands/\(number)"
        ).outcome()
        guard outcome.status == 0 else { throw ProgramFailure(description: "\(outcome)") }
        return try decodeJSON(type, from: outcome.stdout.utf8)
    }

    /// All containers of the project, ended ones too.
    func containers(of project: String? = nil) async throws -> [ContainerRow] {
        try await get("projects/\(project ?? self.project)/containers?all=1", as: [ContainerRow].self)
    }

    /// The container of a service's replica.
    func container(
        _ service: String, _ number: Int = 1, at place: SourceLocation = #_sourceLocation
    ) async throws -> ContainerRow {
        let rows = try await containers()
        return try #require(
            rows.first { $0.service == service && $0.number == number && !$0.isOneOff }, "\(rows.map(\.name))",
            sourceLocation: place)
    }

    /// The pid of the container's first process, inside the world.
    func initProcess(of service: String, at place: SourceLocation = #_sourceLocation) async throws -> Int {
        try #require(try await container(service, at: place).processID, sourceLocation: place)
    }

    func engineProcess() async throws -> Int { try await get("version", as: EngineVersion.self).processID }

    /// kill -9, and waits until it is gone.
    func killEngine() async throws { try await killProcess(try await engineProcess()) }

    /// kill -9 from outside, and waits until it is gone.
    func killProcess(_ pid: Int) async throws {
        try await shell("kill -9 \(pid)")
        try await eventually("process \(pid) is gone") { try await !self.processes().keys.contains(pid) }
    }

    /// Pid and command line of every process inside.
    func processes() async throws -> [Int: String] {
        let text = try await shell("ps -ww -e -o pid=,stat=,args=")
        var result: [Int: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let pid = Int(words[0]), !words[1].hasPrefix("Z") else { continue }
            result[pid] = String(words[2].drop { $0 == " " })
        }
        return result
    }

    // MARK: Waiting

    /// Waits until `condition` holds.
    /// - Throws: when it does not within half a minute.
    func eventually(
        _ what: String, _ condition: @Sendable () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            // While an engine starts, asking it fails.
            let result: Result<Bool, any Error>
            do { result = .success(try await condition()) } catch { result = .failure(error) }
            if case .success(true) = result { return }
            guard ContinuousClock.now < end else {
                throw ProgramFailure(description: "did not come true within half a minute: \(what): \(result)")
            }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    /// Waits until the service's container is in `state`.
    func eventually(_ service: String, is state: ContainerRow.State) async throws {
        try await eventually("\(service) is \(state)") { try await self.container(service).state == state }
    }
}
