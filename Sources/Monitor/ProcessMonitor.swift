import AttachStream
import CLinux
import Glibc
import JSON
import Linux
import OCI
import Runtime

/// Watches one process from before its exec until its end: creates it, holds its streams, writes its log and its exit
/// status.
///
/// It has one thread, which sleeps unless something happens. It does not need the engine: a new engine finds it by its
/// folder.
package final class ProcessMonitor {
    let folder: String
    let spec: MonitorSpec
    let loop: EventLoop
    let control: ControlServer
    let attach: AttachServer
    let lock: FileLock
    private let bootID: String

    var state = MonitorState(phase: .creating)
    var child: Child?
    var cgroup = Cgroup()
    var log: LogWriter?
    var input: InputFeed?
    var outputs: [OutputReader] = []
    var terminal: Terminal?
    var areOutputsHeld = false
    var memoryKillsBefore = 0
    var hasTimedOut = false
    var isLeaving = false

    /// A launched process. A class, because it is optional.
    final class Child {
        var launch: Launch
        var isReleased = false
        init(_ launch: consuming Launch) { self.launch = launch }
    }

    /// Locks `folder` and reads its `spec.json`.
    /// - Throws: when another monitor uses the folder, the spec cannot be read, or the sockets cannot be created.
    package init(folder: String) throws {
        self.folder = folder
        guard let lock = try FileLock.attempt("\(folder)/lock") else {
            throw RuntimeFailure(step: "lock", message: "another monitor runs in \(folder)")
        }
        self.lock = lock
        spec = try decodeJSON(MonitorSpec.self, from: try readFile("\(folder)/spec.json"))
        bootID = try currentBootID()
        loop = try EventLoop()
        control = try ControlServer(loop, try UnixSocket.listen("\(folder)/control.sock", nonblocking: true))
        attach = AttachServer(loop)
        if case .container = spec.kind {
            try attach.listen(try UnixSocket.listen("\(folder)/attach.sock", nonblocking: true))
        }
    }

    /// Continues where an earlier image of this process handed over.
    package init(_ handover: consuming Handover) throws {
        folder = handover.folder
        spec = handover.spec
        state = handover.state
        bootID = state.process?.bootID ?? ""
        memoryKillsBefore = handover.memoryKillsBefore
        lock = FileLock(holding: OwnedFD(owning: handover.lock))
        loop = try EventLoop()
        control = try ControlServer(loop, OwnedFD(owning: handover.control.first ?? -1))
        attach = AttachServer(loop)
        if let listener = handover.attach { try attach.listen(OwnedFD(owning: listener)) }
        cgroup = Cgroup(hierarchies: handover.hierarchies)
        if let target = spec.log { log = LogWriter(target) }
        let handle = ProcessHandle(pid: state.process?.pid ?? -1, pidfd: OwnedFD(owning: handover.process))
        let child = Child(try Launch(running: handle))
        child.isReleased = true
        self.child = child
        try takeStreams(handover)
        connect()
        for client in handover.control.dropFirst() { control.add(OwnedFD(owning: client), isNew: false) }
        try loop.watch(child.launch.handle.pollable, .read) { [unowned self] _ in processEnded() }
    }

    /// Runs the rest, from the handover to the end.
    package func goOn() throws {
        SelfProtection.settle()
        try loop.run { isLeaving && control.isFlushed && attach.isFlushed }
    }

    /// Runs everything, and returns when the process has ended and every client has been told.
    package func run() throws {
        signal(SIGPIPE, SIG_IGN)
        // These signals end a session or a service, not the monitor: it exits when its process has ended.
        for number in [SIGHUP, SIGINT, SIGTERM] { signal(number, SIG_IGN) }
        connect()
        connectInherited()
        do {
            try create()
        } catch let failure as RuntimeFailure {
            fail(failure)
        } catch let error as SyscallError {
            fail(RuntimeFailure("start", error))
        }
        try loop.run { isLeaving && control.isFlushed && attach.isFlushed }
    }

    private func connect() {
        control.onCommand = { [unowned self] command, answer in handle(command, answer) }
        control.greeting = { [unowned self] in greeting() }
        attach.onFrame = { [unowned self] in handle($0) }
        attach.onOwnerGone = { [unowned self] in signalSession(SIGHUP) }
        attach.onProgress = { [unowned self] in holdOutputs() }
    }

    /// Written by hand and from the file: code that can encode every event would cost an idle monitor more memory than
    /// everything else.
    private func greeting() -> [[UInt8]] {
        let versions = MonitorProtocol.versions
        let range = "\"minimum\":\(versions.lowerBound),\"maximum\":\(versions.upperBound)"
        let hello = Array("{\"hello\":{\(range),\"monitorPID\":\(getpid())}}\n".utf8)
        guard state.phase != .creating else { return [hello] }
        let text = (try? readFile("\(folder)/state.json")) ?? (try? encodeJSON(state)) ?? []
        return [hello, Array("{\"state\":{\"_0\":".utf8) + text + Array("}}\n".utf8)]
    }

    private func connectInherited() {
        let streamDescriptor = MonitorProtocol.streamDescriptor
        if case .exec = spec.kind, fcntl(streamDescriptor, F_GETFD) >= 0, isSocket(streamDescriptor) {
            _ = fcntl(streamDescriptor, F_SETFD, FD_CLOEXEC)
            attach.add(OwnedFD(owning: streamDescriptor), isOwner: true)
        }
        let controlDescriptor = MonitorProtocol.controlDescriptor
        if isSocket(controlDescriptor) {
            _ = fcntl(controlDescriptor, F_SETFD, FD_CLOEXEC)
            control.add(OwnedFD(owning: controlDescriptor))
        }
    }

    private func isSocket(_ descriptor: CInt) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    /// Creates the process, which runs up to its gate.
    private func create() throws {
        if let target = spec.log { log = LogWriter(target) }
        var streams = try ProcessStreams(spec)
        let launch: Launch
        switch spec.kind {
        case .container(let container): launch = try makeContainer(container, streams.standard)
        case .exec(let exec): launch = try makeExec(exec, streams.standard)
        }
        streams.closeChildEnds()
        let child = Child(launch)
        self.child = child
        try waitForGate(child)
        try openStreams(&streams)
        let identity = try identity(of: child.launch.pid)
        state.phase = .created
        state.process = identity
        state.cgroups = cgroup.folders
        try loop.watch(child.launch.handle.pollable, .read) { [unowned self] _ in processEnded() }
        save()
        control.broadcast(.created(identity))
    }

    private func identity(of pid: pid_t) throws(SyscallError) -> ProcessIdentity {
        ProcessIdentity(pid: pid, startTicks: try ProcessStatus.startTicks(of: pid), bootID: bootID)
    }

    private func makeContainer(
        _ container: MonitorSpec.Container, _ streams: StandardStreams
    ) throws(RuntimeFailure) -> Launch {
        let linux = container.spec.linux
        if let path = linux?.cgroupsPath, !path.isEmpty {
            let mounts: CgroupMounts
            do throws(SyscallError) { mounts = try .current() } catch { throw RuntimeFailure("cgroup", error) }
            cgroup = try Cgroup.make(path, mounts: mounts)
            try cgroup.checkThaw()
            state.warnings = cgroup.warnings.isEmpty ? nil : cgroup.warnings
            try cgroup.apply(linux?.resources ?? RuntimeSpec.Resources())
            memoryKillsBefore = cgroup.memoryKills()
        }
        var request = ContainerRequest(
            id: spec.id, spec: container.spec, bundle: container.bundle, rootfs: RootSource(container.rootfs),
            stdio: streams)
        request.filterCache = spec.filterCache
        return try Launcher.launch(request, cgroup: cgroup)
    }

    private func makeExec(_ exec: MonitorSpec.Exec, _ streams: StandardStreams) throws -> Launch {
        let text = try readFile("\(exec.containerFolder)/state.json")
        let container = try decodeJSON(MonitorState.self, from: text)
        guard let process = container.process, container.phase == .running || container.phase == .paused else {
            throw RuntimeFailure(step: "exec", message: "the container is not running", exitCode: 126)
        }
        let target = try ProcessHandle(pid: process.pid, startTicks: process.startTicks, bootID: process.bootID)
        cgroup = Cgroup(folders: container.cgroups, mounts: try .current())
        memoryKillsBefore = cgroup.memoryKills()
        var request = ExecRequest(process: exec.process, target: process.pid, stdio: streams, seccomp: exec.seccomp)
        request.filterCache = spec.filterCache
        return try Launcher.launch(request, target: target, cgroup: cgroup)
    }

    private func waitForGate(_ child: Child) throws {
        while true {
            switch try child.launch.next() {
            case .hooks: child.launch.proceed()
            case .terminal(let descriptor): terminal = try Terminal(OwnedFD(owning: descriptor))
            case .gate: return
            case .running:
                throw RuntimeFailure(step: "start", message: "the process was killed before it could begin")
            }
        }
    }

    /// Opens the gate, and waits for exec.
    func release(_ child: Child) {
        child.isReleased = true
        loop.forget(child.launch.handle.pollable)
        child.launch.proceed()
        do {
            while try child.launch.next() != .running {}
            try loop.watch(child.launch.handle.pollable, .read) { [unowned self] _ in processEnded() }
            // In a pid namespace that it joined, this is another process than the one that waited.
            if child.launch.pid != state.process?.pid {
                let identity = try identity(of: child.launch.pid)
                state.process = identity
                control.broadcast(.created(identity))
            }
        } catch let failure as RuntimeFailure {
            return fail(failure)
        } catch {
            return fail(RuntimeFailure(step: "start", message: "start: \(error)"))
        }
        let now = Clock.now()
        state.phase = .running
        state.startedAt = now
        save()
        control.broadcast(.started(at: now))
        handOver()
        guard case .exec(let exec) = spec.kind, let timeout = exec.timeout else { return }
        let (seconds, attoseconds) = timeout.components
        loop.setDeadline("timeout", milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000) {
            [unowned self] in
            hasTimedOut = true
            signalSession(SIGKILL)
        }
    }

    /// Reports that the process failed to start, cleans up, and exits.
    func fail(_ failure: RuntimeFailure) {
        if let child {
            loop.forget(child.launch.handle.pollable)
            child.launch.abandon()
            self.child = nil
        }
        for output in outputs { output.drain() }
        log?.finish()
        if case .container = spec.kind { try? cgroup.remove() }
        let failure = LaunchFailure(failure)
        state.phase = .exited
        state.failure = failure
        save()
        control.broadcast(.failed(failure))
        attach.broadcast(StreamFrame(.failure, [UInt8(clamping: failure.exitCode)] + Array(failure.message.utf8)))
        leave()
    }

    /// From here on it only delivers remaining output, to clients that accept it within ten seconds.
    func leave() {
        isLeaving = true
        loop.cancel("timeout")
        loop.setDeadline("leave", milliseconds: 10_000) { exit(0) }
    }

    /// Writes `state.json`. If the folder is full or gone, the process continues: the sockets report the same.
    func save() {
        guard let bytes = try? encodeJSON(state) else { return }
        try? writeFileAtomically("\(folder)/state.json", bytes)
    }
}

extension LaunchFailure {
    init(_ failure: RuntimeFailure) {
        self.init(
            step: failure.step, errno: failure.errno, message: failure.message, exitCode: failure.exitCode)
    }
}

extension RootSource {
    init(_ rootfs: MonitorSpec.RootFilesystem) {
        switch rootfs {
        case .directory: self = .directory
        case .overlay(let lower, let upper, let work): self = .overlay(lower: lower, upper: upper, work: work)
        }
    }
}
