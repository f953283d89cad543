import CLinux
import Glibc
import JSON
import Linux
import OCI

/// The operations of an OCI runtime (runtime.md, "Operations") on the containers of one store.
///
/// The caller must have only one thread.
package struct ContainerRuntime: Sendable {
    package let store: ContainerStore
    /// Gets problems that stop nothing.
    private let warn: @Sendable (String) -> Void

    package init(store: ContainerStore, warn: @escaping @Sendable (String) -> Void) {
        self.store = store
        self.warn = warn
    }

    package struct CreateOptions: Sendable {
        package var consoleSocket: String?
        package var pidFile: String?
        package var keptDescriptors = 0
        package var hasOwnKeyring = true
        /// The bundle's file with the runtime spec.
        package var configuration = "config.json"
        package init() {}
    }

    /// Creates a container from `bundle`; its process waits at the gate for `start`.
    ///
    /// - Returns: Our end of its terminal, if it has one and no console socket takes it.
    package func create(_ id: String, bundle: String, _ options: CreateOptions) throws(RuntimeFailure) -> CInt? {
        let spec = try readSpec("\(bundle)/\(options.configuration)")
        let folder = try store.make(id)
        var cgroup = Cgroup()
        do throws(RuntimeFailure) {
            let lock = try store.lock(id)
            defer { _ = lock }
            cgroup = try makeCgroup(id, spec)
            return try create(id, bundle, spec, options, folder, cgroup)
        } catch {
            try? cgroup.remove()
            try? removeTree(folder)
            throw error
        }
    }

    /// The steps of a container's init process between clone and exec, one in each line; creates nothing.
    package func steps(
        _ id: String, bundle: String, _ options: CreateOptions
    ) throws(RuntimeFailure) -> [String] {
        let spec = try readSpec("\(bundle)/\(options.configuration)")
        let mounts = try naming("cgroup") { () throws(SyscallError) in try CgroupMounts.current() }
        let cgroup = Cgroup(folders: mounts.mounts.map { "\($0.mountpoint)/\(id)" }, mounts: mounts)
        return try Launcher.steps(request(id, bundle, spec, options), cgroup: cgroup)
    }

    private func request(
        _ id: String, _ bundle: String, _ spec: RuntimeSpec, _ options: CreateOptions
    ) -> ContainerRequest {
        let size = spec.process?.consoleSize
        let stdio: StandardStreams =
            spec.process?.terminal == true
            ? .terminal(rows: size?.height ?? 0, columns: size?.width ?? 0)
            : .descriptors(input: 0, output: 1, error: 2)
        var request = ContainerRequest(id: id, spec: spec, bundle: bundle, rootfs: .directory, stdio: stdio)
        request.keptDescriptors = options.keptDescriptors
        request.hasOwnKeyring = options.hasOwnKeyring
        return request
    }

    private func readSpec(_ path: String) throws(RuntimeFailure) -> RuntimeSpec {
        let bytes = try naming("read the runtime spec") { () throws(SyscallError) in
            try readFile(path, limit: 16 << 20)
        }
        let spec: RuntimeSpec
        do {
            spec = try decodeJSON(RuntimeSpec.self, from: bytes)
        } catch {
            throw RuntimeFailure(step: "config", message: "\(path): \(plainText(of: error))")
        }
        guard spec.ociVersion.hasPrefix("1.") else {
            throw RuntimeFailure(step: "config", message: "\(path): ociVersion \(spec.ociVersion) is not 1.x")
        }
        return spec
    }

    private func makeCgroup(_ id: String, _ spec: RuntimeSpec) throws(RuntimeFailure) -> Cgroup {
        let wanted = spec.linux?.cgroupsPath.flatMap { $0.isEmpty ? nil : $0 }
        let mounts = try naming("cgroup") { () throws(SyscallError) in try CgroupMounts.current() }
        let cgroup = try Cgroup.make(wanted.map(Self.cgroupPath) ?? "/\(id)", mounts: mounts)
        // Removing the container kills everything in its cgroup, so it must not contain other processes.
        guard !cgroup.isPopulated else {
            let message = "the cgroup \(wanted ?? "/\(id)") is in use: a container needs one of its own"
            throw RuntimeFailure(step: "cgroup", message: message)
        }
        for warning in cgroup.warnings { warn(warning) }
        do throws(RuntimeFailure) {
            try cgroup.checkThaw()
            try cgroup.apply(spec.linux?.resources ?? RuntimeSpec.Resources())
        } catch {
            try? cgroup.remove()
            throw error
        }
        return cgroup
    }

    /// systemd's form `slice:prefix:name` as the path that systemd would give the scope.
    package static func cgroupPath(_ path: String) -> String {
        let parts = path.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !path.hasSlash else { return path }
        let slice = parts[0].isEmpty ? "system.slice" : parts[0]
        return "/\(slice)/\(parts[1])-\(parts[2]).scope"
    }

    private func create(
        _ id: String, _ bundle: String, _ spec: RuntimeSpec, _ options: CreateOptions, _ folder: String,
        _ cgroup: Cgroup
    ) throws(RuntimeFailure) -> CInt? {
        let gate = try naming("create \(id)") { () throws(SyscallError) in
            try UnixSocket.listen("\(folder)/gate.sock", kind: .packets)
        }
        var request = request(id, bundle, spec, options)
        request.filterCache = store.filterCache
        request.gate = gate.raw
        var launch = try Launcher.launch(request, cgroup: cgroup)
        do throws(RuntimeFailure) {
            let terminal = try waitForGate(id, bundle, spec, &launch)
            try save(id, bundle, spec, launch, cgroup)
            if let path = options.pidFile { try write(launch.pid, to: path) }
            guard let terminal, let path = options.consoleSocket else { return terminal }
            try Self.send(terminal, to: path)
            return nil
        } catch {
            launch.abandon()
            throw error
        }
    }

    private func waitForGate(
        _ id: String, _ bundle: String, _ spec: RuntimeSpec, _ launch: inout Launch
    ) throws(RuntimeFailure) -> CInt? {
        var terminal: CInt?
        while true {
            switch try launch.next() {
            case .hooks:
                let state = ContainerState(
                    id: id, status: .creating, pid: launch.pid, bundle: bundle, annotations: spec.annotations)
                try Hooks.run(spec.hooks?.prestart, "prestart", in: .runtime, state: state)
                try Hooks.run(spec.hooks?.createRuntime, "createRuntime", in: .runtime, state: state)
                let container = Hooks.Place.container(pid: launch.pid)
                try Hooks.run(spec.hooks?.createContainer, "createContainer", in: container, state: state)
                launch.proceed()
            case .terminal(let descriptor): terminal = descriptor
            case .gate: return terminal
            case .running:
                throw RuntimeFailure(step: "create", message: "the process was killed before it could begin")
            }
        }
    }

    private func save(
        _ id: String, _ bundle: String, _ spec: RuntimeSpec, _ launch: borrowing Launch, _ cgroup: Cgroup
    ) throws(RuntimeFailure) {
        let pid = launch.pid
        let record = try naming("save the state") { () throws(SyscallError) in
            ContainerRecord(
                id: id, bundle: bundle, pid: pid, startTicks: try ProcessStatus.startTicks(of: pid),
                bootID: try currentBootID(), cgroups: cgroup.folders, created: Self.now(), spec: spec)
        }
        try store.save(record)
    }

    /// Lets a created container's process exec.
    /// - Throws: `RuntimeFailure` when it is not `created`, a hook fails, or the command cannot run.
    package func start(_ id: String) throws(RuntimeFailure) {
        let lock = try store.lock(id)
        defer { _ = lock }
        let record = try store.load(id)
        let status = store.status(record)
        guard status == .created else {
            throw RuntimeFailure(step: "start", message: "container \"\(id)\" is \(status.rawValue), not created")
        }
        var state = store.state(record)
        let place = Hooks.Place.process(record, filterCache: store.filterCache)
        try Hooks.run(record.spec.hooks?.startContainer, "startContainer", in: place, state: state)
        let path = "\(store.root)/\(id)/gate.sock"
        let gate = try naming("start \(id)") { () throws(SyscallError) in
            try UnixSocket.connect(path, kind: .packets)
        }
        unlink(path)
        _ = Glibc.send(gate.raw, "g", 1, CInt(MSG_NOSIGNAL))
        try Self.waitForExec(gate, record.spec.process?.args?.first ?? "")
        state.status = .running
        do throws(RuntimeFailure) {
            try Hooks.run(record.spec.hooks?.poststart, "poststart", in: .runtime, state: state)
        } catch {
            warn(error.message)
        }
    }

    private static func waitForExec(_ gate: borrowing OwnedFD, _ name: String) throws(RuntimeFailure) {
        var message = berth_message()
        var descriptor: CInt = -1
        let raw = gate.raw
        let length = try naming("start") { () throws(SyscallError) in
            try syscall("recvmsg", on: "gate") { berth_receive(raw, &message, &descriptor) }
        }
        guard length == MemoryLayout<berth_message>.size else { return }
        // Only the filter and exec are left of the program, and only exec reports a name.
        message.step = message.text.0 == 0 && message.code != ENOENT ? 0 : 1
        throw StepNotes(notes: [.doing("load the seccomp filter"), .exec(name)]).failure(message)
    }

    /// Sends a signal to the init process, or to all processes of the container.
    package func kill(_ id: String, signal: CInt, all: Bool) throws(RuntimeFailure) {
        let record = try store.load(id)
        // Without a pid namespace that ends with the init process, its children would survive.
        let isWhole = signal == SIGKILL && record.spec.linux?.namespaces?.contains { $0.isOwnProcesses } != true
        if all || isWhole {
            guard all || store.status(record) != .stopped else {
                throw RuntimeFailure(step: "kill", message: "container \"\(id)\" is not running")
            }
            try naming("kill") { () throws(SyscallError) in try record.cgroup() }.signal(signal)
            return
        }
        guard store.status(record) != .stopped else {
            throw RuntimeFailure(step: "kill", message: "container \"\(id)\" is not running")
        }
        try naming("kill \(id)") { () throws(SyscallError) in try record.process().signal(signal) }
    }

    /// Removes a stopped container. With `force` kills a running one first, and an unknown one is no error.
    package func delete(_ id: String, force: Bool) throws(RuntimeFailure) {
        let folder = try store.folder(id)
        if force, !fileExists(folder) { return }
        let lock = try store.lock(id)
        defer { _ = lock }
        guard fileExists("\(folder)/state.json") else {
            return try naming("delete \(id)") { () throws(SyscallError) in try removeTree(folder) }
        }
        let record = try store.load(id)
        let status = store.status(record)
        guard status == .stopped || status == .created || force else {
            throw RuntimeFailure(step: "delete", message: "container \"\(id)\" is \(status.rawValue), not stopped")
        }
        let cgroup = try naming("delete") { () throws(SyscallError) in try record.cgroup() }
        if status != .stopped { try end(record, cgroup, isPaused: status == .paused) }
        try naming("delete \(id)") { () throws(SyscallError) in
            try cgroup.remove()
            try removeTree(folder)
        }
        let state = ContainerState(
            id: id, status: .stopped, pid: 0, bundle: record.bundle, annotations: record.spec.annotations)
        do throws(RuntimeFailure) {
            try Hooks.run(record.spec.hooks?.poststop, "poststop", in: .runtime, state: state)
        } catch {
            warn(error.message)
        }
    }

    /// Kills the init process and waits until it has ended, whether it was reaped or not.
    private func end(_ record: ContainerRecord, _ cgroup: Cgroup, isPaused: Bool) throws(RuntimeFailure) {
        guard let process = try? record.process() else { return }
        try? process.signal(SIGKILL)
        if isPaused { try? cgroup.thaw() }
        var request = pollfd(fd: process.pollable, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 10_000) > 0 else {
            throw RuntimeFailure(step: "delete", message: "process \(record.pid) did not end within 10 s of SIGKILL")
        }
    }

    func write(_ pid: pid_t, to path: String) throws(RuntimeFailure) {
        try naming("write the pid file") { () throws(SyscallError) in
            try writeFileAtomically(path, "\(pid)".utf8, mode: 0o644)
        }
    }

    /// Sends a terminal to the program that listens on `path` (config.md, "terminal").
    static func send(_ terminal: CInt, to path: String) throws(RuntimeFailure) {
        defer { close(terminal) }
        try naming("console socket") { () throws(SyscallError) in
            let socket = try UnixSocket.connect(path)
            let name = Array("/dev/ptmx".utf8)
            try syscall("sendmsg", on: path) { berth_send_descriptor(socket.raw, name, name.count, terminal) }
        }
    }

    private static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension RuntimeSpec.Namespace {
    /// It gets a new pid namespace.
    fileprivate var isOwnProcesses: Bool { type == "pid" && path?.isEmpty != false }
}
