import Glibc
import JSON
import Linux
import OCI

extension ContainerRuntime {
    package struct ExecOptions: Sendable {
        package var consoleSocket: String?
        package var pidFile: String?
        package var keptDescriptors = 0
        /// Allow a paused container; the process waits there until it is resumed.
        package var ignoresPause = false
        package init() {}
    }

    /// A process in a container after its exec.
    package struct Running: Sendable {
        package let pid: pid_t
        /// Our end of its terminal, unless a console socket took it.
        package let terminal: CInt?
    }

    /// The process object for another command in a container: that of the init process, with `arguments` instead of its
    /// own.
    package func process(_ id: String, arguments: [String]) throws(RuntimeFailure) -> RuntimeSpec.Process {
        var process = try store.load(id).spec.process ?? RuntimeSpec.Process()
        process.args = arguments
        process.terminal = false
        process.consoleSize = nil
        // An inheritable capability would survive a change of user at exec (CVE-2022-29162).
        process.capabilities?.inheritable = []
        return process
    }

    /// Runs `process` in a running container and returns once its exec succeeded; the caller must reap it.
    package func exec(
        _ id: String, _ process: RuntimeSpec.Process, _ options: ExecOptions
    ) throws(RuntimeFailure) -> Running {
        let record = try store.load(id)
        let status = store.status(record)
        guard status == .running || status == .created || status == .paused && options.ignoresPause else {
            let message = "container \"\(id)\" is \(status.rawValue), not running"
            throw RuntimeFailure(step: "exec", message: message, exitCode: 255)
        }
        let size = process.consoleSize
        let stdio: StandardStreams =
            process.terminal == true
            ? .terminal(rows: size?.height ?? 0, columns: size?.width ?? 0)
            : .descriptors(input: 0, output: 1, error: 2)
        var request = ExecRequest(
            process: process, target: record.pid, stdio: stdio, seccomp: record.spec.linux?.seccomp)
        request.memoryPolicy = record.spec.linux?.memoryPolicy
        request.filterCache = store.filterCache
        request.keptDescriptors = options.keptDescriptors
        let target = try naming("exec") { () throws(SyscallError) in try record.process() }
        let cgroup = try naming("exec") { () throws(SyscallError) in try record.cgroup() }
        var launch = try Launcher.launch(request, target: target, cgroup: cgroup)
        do throws(RuntimeFailure) {
            let terminal = try release(&launch)
            if let path = options.pidFile { try write(launch.pid, to: path) }
            guard let terminal, let path = options.consoleSocket else {
                return Running(pid: launch.pid, terminal: terminal)
            }
            try Self.send(terminal, to: path)
            return Running(pid: launch.pid, terminal: nil)
        } catch {
            launch.abandon()
            throw error
        }
    }

    private func release(_ launch: inout Launch) throws(RuntimeFailure) -> CInt? {
        var terminal: CInt?
        while true {
            switch try launch.next() {
            case .terminal(let descriptor): terminal = descriptor
            case .gate, .hooks: launch.proceed()
            case .running: return terminal
            }
        }
    }

    /// Freezes every process of a container.
    package func pause(_ id: String) throws(RuntimeFailure) { try cgroup(of: id).freeze() }

    package func resume(_ id: String) throws(RuntimeFailure) { try cgroup(of: id).thaw() }

    /// Changes the limits of a running container.
    package func update(_ id: String, _ resources: RuntimeSpec.Resources) throws(RuntimeFailure) {
        try cgroup(of: id).apply(resources, isUpdate: true)
    }

    /// The processes of a container, by their pids on the host.
    package func processes(_ id: String) throws(RuntimeFailure) -> [pid_t] { try cgroup(of: id).processes }

    private func cgroup(of id: String) throws(RuntimeFailure) -> Cgroup {
        let record = try store.load(id)
        guard store.status(record) != .stopped else {
            throw RuntimeFailure(step: "cgroup", message: "container \"\(id)\" is not running")
        }
        return try naming("cgroup") { () throws(SyscallError) in try record.cgroup() }
    }
}
