import AttachStream
import Glibc
import JSON
import Linux
import Monitor
import OCI
import Runtime
import Testing

/// Where this package's programs have been built: beside the tests.
let buildFolder: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
}()

/// Whether containers can be made here: rights, the programs, and something to run in them.
let canRunContainers =
    geteuid() == 0 && fileExists("/bin/busybox") && fileExists("\(buildFolder)/berth-monitor")

/// A folder of its own for `body`, gone afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/berth-monitor-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try makeFolders(folder, mode: 0o700)
    defer { try? removeTree(folder) }
    try body(folder)
}

/// Monitors in one folder, which are killed with their processes when the test is over.
final class World {
    let folder: String
    private var monitors: [TestMonitor] = []
    private var lower: String { "\(folder)/lower" }

    init(_ folder: String) throws {
        self.folder = folder
        try makeFolders("\(lower)/bin")
        try makeFolders("\(lower)/tmp")
        if link("/bin/busybox", "\(lower)/bin/busybox") != 0 {
            try writeFileAtomically("\(lower)/bin/busybox", try readFile("/bin/busybox"), mode: 0o755)
        }
        for name in ["sh", "cat", "sleep", "stty", "tty", "seq", "dd", "head", "id", "true", "touch", "ps", "yes"] {
            symlink("busybox", "\(lower)/bin/\(name)")
        }
    }

    static func with(_ body: (World) throws -> Void) throws {
        try withFolder { folder in
            let world = try World(folder)
            defer { for monitor in world.monitors { monitor.end() } }
            try body(world)
        }
    }

    /// A container of `arguments` on an overlay.
    func container(
        _ arguments: [String], _ change: (inout MonitorSpec, inout RuntimeSpec) -> Void = { _, _ in }
    ) throws -> TestMonitor {
        let home = try newFolder()
        let terminal = false
        var spec = DefaultProfile.spec(arguments: arguments, terminal: terminal)
        spec.process?.env = ["PATH=/bin"]
        spec.linux?.cgroupsPath = "/berth-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        for name in ["bundle", "upper", "work"] { try makeFolders("\(home)/\(name)") }
        var monitor = MonitorSpec(
            id: "test", kind: .exec(.init(process: .init(), containerFolder: "")),
            log: .init(path: "\(home)/log"), exitFile: "\(home)/exit.json", filterCache: "\(folder)/filters")
        change(&monitor, &spec)
        let rootfs = MonitorSpec.RootFilesystem.overlay(
            lower: [lower], upper: "\(home)/upper", work: "\(home)/work")
        monitor.kind = .container(.init(spec: spec, rootfs: rootfs, bundle: "\(home)/bundle"))
        return try start(monitor, home, isAttached: false)
    }

    /// A further process in the container of `monitor`.
    func exec(
        _ arguments: [String], in monitor: TestMonitor, isAttached: Bool = true, timeout: Duration? = nil,
        _ change: (inout MonitorSpec) -> Void = { _ in }
    ) throws -> TestMonitor {
        let home = try newFolder()
        var process = RuntimeSpec.Process(args: arguments, env: ["PATH=/bin"])
        process.capabilities = DefaultProfile.capabilitySets(DefaultProfile.capabilities, uid: 0)
        var spec = MonitorSpec(
            id: "exec",
            kind: .exec(
                .init(
                    process: process, containerFolder: monitor.folder,
                    seccomp: DefaultProfile.seccomp(capabilities: DefaultProfile.capabilities), timeout: timeout)),
            filterCache: "\(folder)/filters")
        change(&spec)
        return try start(spec, home, isAttached: isAttached)
    }

    private func newFolder() throws -> String {
        let home = "\(folder)/\(UInt32.random(in: 0...UInt32.max))"
        try makeFolders(home)
        return home
    }

    private func start(_ spec: MonitorSpec, _ home: String, isAttached: Bool) throws -> TestMonitor {
        try writeFileAtomically("\(home)/spec.json", try encodeJSON(spec))
        let monitor = try TestMonitor(home, isAttached: isAttached)
        monitors.append(monitor)
        return monitor
    }
}

/// One monitor, as the engine sees it.
final class TestMonitor {
    let folder: String
    let pid: pid_t
    private var control: OwnedFD?
    private var stream: OwnedFD?
    private var incoming: [UInt8] = []
    private var reader = StreamFrameReader()
    private var isReaped = false

    init(_ folder: String, isAttached: Bool) throws {
        self.folder = folder
        var pair = try UnixSocket.pair()
        let theirs = pair.takeSecond()
        control = pair.takeFirst()
        var descriptors = [MonitorProtocol.controlDescriptor: theirs.raw]
        var streams = try UnixSocket.pair()
        let theirStream = streams.takeSecond()
        if isAttached {
            stream = streams.takeFirst()
            descriptors[MonitorProtocol.streamDescriptor] = theirStream.raw
        }
        pid = try spawnProcess(
            "\(buildFolder)/berth-monitor", arguments: ["berth-monitor", folder], folder: "/",
            descriptors: descriptors)
    }

    func send(_ command: MonitorCommand) throws {
        let line = try encodeJSON(command) + [0x0A]
        try control?.write(line)
    }

    /// The next event; nil when the monitor has closed the connection.
    func next() throws -> MonitorEvent? {
        while true {
            if let end = incoming.firstIndex(of: 0x0A) {
                let line = Array(incoming[..<end])
                incoming.removeFirst(end + 1)
                return try decodeJSON(MonitorEvent.self, from: line)
            }
            guard let raw = control?.raw else { return nil }
            let bytes = try Self.read(raw)
            if bytes.isEmpty { return nil }
            incoming += bytes
        }
    }

    /// Events up to the first that `isWanted`; nil when none came.
    func event(_ isWanted: (MonitorEvent) -> Bool) throws -> MonitorEvent? {
        while let event = try next() {
            if isWanted(event) { return event }
        }
        return nil
    }

    /// Waits until it is created, releases it, and waits until it runs. Returns why it does not.
    @discardableResult
    func release() throws -> LaunchFailure? {
        try send(.release)
        while let event = try next() {
            if case .started = event { return nil }
            if case .failed(let failure) = event { return failure }
        }
        throw SyscallError(call: "release", object: folder, code: .notFound)
    }

    func exitStatusAfterRelease() throws -> Monitor.ExitStatus? {
        try release()
        return try exitStatus()
    }

    func exitStatus() throws -> Monitor.ExitStatus? {
        while let event = try next() {
            if case .exited(let status) = event { return status }
        }
        return nil
    }

    /// Leaves it alone, and comes back by its folder as another engine would.
    func reconnect() throws {
        control = nil
        incoming = []
        control = try UnixSocket.connect("\(folder)/control.sock")
    }

    /// Another attached client.
    func attach() throws { stream = try UnixSocket.connect("\(folder)/attach.sock") }

    func say(_ frame: StreamFrame) throws { try stream?.write(frame.bytes) }
    func hangUp() { stream = nil }
    func endInput() {
        guard let raw = stream?.raw else { return }
        shutdown(raw, CInt(SHUT_WR))
    }

    /// Frames up to the end of the stream, or until `isEnough`.
    func frames(until isEnough: ([StreamFrame]) -> Bool = { _ in false }) throws -> [StreamFrame] {
        var frames: [StreamFrame] = []
        while !isEnough(frames), let raw = stream?.raw {
            let bytes = try Self.read(raw)
            if bytes.isEmpty { break }
            frames += try reader.frames(adding: bytes)
        }
        return frames
    }

    var state: MonitorState? {
        (try? readFile("\(folder)/state.json")).flatMap { try? decodeJSON(MonitorState.self, from: $0) }
    }

    /// The text of its log, a record a line as they are in the file.
    var log: [JSONValue] {
        let text = (try? readText("\(folder)/log", limit: 64 << 20)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSONValue(parsing: String($0)) }
    }

    var loggedText: String { log.compactMap { $0["log"]?.string }.joined() }

    /// Waits for the monitor itself to be gone.
    func wait() {
        guard !isReaped else { return }
        isReaped = true
        waitpid(pid, nil, 0)
    }

    /// Kills what is left, the process first.
    func end() {
        guard !isReaped else { return }
        if let process = state?.process, state?.phase != .exited { kill(process.pid, SIGKILL) }
        control = nil
        stream = nil
        var request = pollfd(fd: -1, events: Int16(POLLIN), revents: 0)
        if let monitor = try? ProcessHandle(pid: pid) {
            request.fd = monitor.pollable
            if poll(&request, 1, 5000) == 0 { try? monitor.signal(SIGKILL) }
        }
        wait()
    }

    private static func read(_ descriptor: CInt) throws -> [UInt8] {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // A monitor that says nothing for so long never will: better a failed test than one that hangs.
        guard poll(&request, 1, 20_000) > 0 else {
            throw SyscallError(call: "poll", object: "monitor", code: .again)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : []
    }
}

extension [StreamFrame] {
    func text(_ kind: StreamFrame.Kind) -> String {
        String(decoding: filter { $0.kind == kind }.flatMap(\.payload), as: UTF8.self)
    }
    var exitCode: UInt32? { last?.exitCode }
}
