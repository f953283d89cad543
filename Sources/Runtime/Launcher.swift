import CLinux
import Glibc
import Linux
import OCI

/// Creates processes in containers. The caller must have only one thread; between clone and exec only prepared steps
/// run.
package enum Launcher {
    /// Clones a container's init process, which runs up to its gate. `next` returns its events, `proceed` opens the
    /// gate.
    ///
    /// `cgroup` is the process's cgroup, with its limits already applied.
    /// - Throws: `RuntimeFailure` before anything was created.
    package static func launch(_ request: ContainerRequest, cgroup: Cgroup) throws(RuntimeFailure) -> Launch {
        guard let process = request.spec.process else {
            throw RuntimeFailure(step: "process", message: "the runtime spec has no process")
        }
        let linux = request.spec.linux ?? RuntimeSpec.Linux()
        let namespaces = try NamespacePlan(linux.namespaces ?? [])
        var processes: OwnedFD?
        if let path = namespaces.joinedProcesses {
            processes = try naming("join the processes") { () throws(SyscallError) in try openFile(path, O_RDONLY) }
        }
        var container = ContainerProgram(
            request, namespaces: namespaces, cgroup: cgroup, processes: processes.descriptor)
        let program = try container.build(process)
        try checkTexts(of: program)
        let launch = try naming("create the container") { () throws(SyscallError) in
            var visit = NamespaceVisit()
            for (kind, path) in namespaces.joined where kind != .pid { try visit.enter(kind, at: path) }
            if namespaces.isOwn(.time) { try visit.makeTime(offsets: linux.timeOffsets ?? [:]) }
            let launch = try Launch(program, flags: namespaces.cloneFlags, cgroup: try cgroup.openUnified())
            return try leave(&visit, with: launch)
        }
        do throws(RuntimeFailure) {
            try finish(launch, linux, namespaces, cgroup)
        } catch {
            launch.abandon()
            throw error
        }
        return launch
    }

    static func checkTexts(of program: StepProgram) throws(RuntimeFailure) {
        guard let text = program.cutText else { return }
        throw RuntimeFailure(step: "text", message: "there is a NUL byte after \"\(text)\"")
    }

    private static func leave(
        _ visit: inout NamespaceVisit, with launch: consuming Launch
    ) throws(SyscallError) -> Launch {
        do throws(SyscallError) {
            try visit.leave()
        } catch {
            launch.abandon()
            throw error
        }
        return launch
    }

    /// The parent's part, while the child already mounts.
    private static func finish(
        _ launch: borrowing Launch, _ linux: RuntimeSpec.Linux, _ namespaces: NamespacePlan, _ cgroup: Cgroup
    ) throws(RuntimeFailure) {
        if namespaces.isOwn(.user) {
            try write(linux.gidMappings ?? [], launch.pid, "gid_map")
            try write(linux.uidMappings ?? [], launch.pid, "uid_map")
            launch.proceed()
        }
        if cgroup.needsJoining {
            try cgroup.join(launch.pid)
            launch.proceed()
        }
    }

    private static func write(
        _ mappings: [RuntimeSpec.IDMapping], _ pid: pid_t, _ file: String
    ) throws(RuntimeFailure) {
        guard !mappings.isEmpty else {
            throw RuntimeFailure(step: file, message: "a user namespace needs mappings of user and group ids")
        }
        let lines = mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
        do throws(SyscallError) {
            try writeControlFile("/proc/\(pid)/\(file)", lines)
        } catch {
            throw RuntimeFailure("map ids", error)
        }
    }

    /// Clones a process into a running container, which runs up to its gate.
    ///
    /// The caller holds `target`, so that its pid cannot be reused; `cgroup` is the container's.
    /// - Throws: `RuntimeFailure` before anything was created.
    package static func launch(
        _ request: ExecRequest, target: borrowing ProcessHandle, cgroup: Cgroup
    ) throws(RuntimeFailure) -> Launch {
        let kinds = differingNamespaces(of: target.pid)
        let program = try execProgram(request, target: target.pollable, kinds, cgroup)
        try checkTexts(of: program)
        let launch = try naming("enter the container") { () throws(SyscallError) in
            try Launch(program, flags: 0, cgroup: try cgroup.openUnified())
        }
        guard cgroup.needsJoining else { return launch }
        do throws(RuntimeFailure) {
            try cgroup.join(launch.pid)
        } catch {
            launch.abandon()
            throw error
        }
        launch.proceed()
        return launch
    }

    private static func execProgram(
        _ request: ExecRequest, target: CInt, _ kinds: [NamespacePlan.Kind], _ cgroup: Cgroup
    ) throws(RuntimeFailure) -> StepProgram {
        let program = StepProgram()
        program.add(BERTH_RESET_INHERITED, .doing("reset what was inherited"))
        ProcessSteps.addMemoryKillerScore(program, request.process)
        if cgroup.needsJoining { program.add(BERTH_WAIT, .doing("wait for the cgroup")) }
        if !kinds.isEmpty {
            let process = program.register(holding: target)
            program.add(
                BERTH_SETNS, .doing("enter the container's namespaces"), in: process,
                a: kinds.reduce(0) { $0 | $1.flag })
        }
        // Nobody in the container sees the process before it is completely set up.
        let moment: Birth.Moment? = kinds.contains(.pid) ? .afterGate : nil
        if moment == nil { program.add(BERTH_SETSID, .doing("begin a session")) }
        let root = program.register()
        program.add(BERTH_OPEN, .doing("open the container's root"), out: root, text: "/", a: UInt64(O_DIRECTORY))
        var process = ProcessSteps(program, request.process, request.stdio, birth: moment)
        process.path = request.program
        process.addTerminal(under: root, isConsole: false)
        // It gets neither the caller's keys nor those of the container's first process.
        try process.addIdentity(keyring: .nameless)
        try process.addMemoryPolicy(request.memoryPolicy)
        try process.addEnd(
            seccomp: request.seccomp, cache: request.filterCache, kept: request.keptDescriptors, personality: nil,
            makesFolder: false)
        return program
    }

    /// The kinds of namespaces in which `pid` differs from this process.
    static func differingNamespaces(of pid: pid_t) -> [NamespacePlan.Kind] {
        NamespacePlan.Kind.all.filter { kind in
            var own = stat()
            var other = stat()
            guard stat("/proc/self/ns/\(kind.file)", &own) == 0, stat("/proc/\(pid)/ns/\(kind.file)", &other) == 0
            else { return false }
            return own.st_ino != other.st_ino
        }
    }
}

extension OwnedFD? {
    /// The descriptor; this object still owns it.
    fileprivate var descriptor: CInt? {
        switch self {
        case .some(let descriptor): descriptor.raw
        case .none: nil
        }
    }
}
