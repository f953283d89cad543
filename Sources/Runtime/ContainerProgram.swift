import CLinux
import Glibc
import Linux
import OCI

/// Turns a runtime spec into the steps of a container's init process.
struct ContainerProgram {
    let request: ContainerRequest
    let namespaces: NamespacePlan
    let cgroup: Cgroup
    let program = StepProgram()
    /// The mount of the root file system; every path of the container is resolved below it.
    let root: StepProgram.Register
    /// The host's null device, for masks.
    let null: StepProgram.Register
    /// The pid namespace of another container that it joins.
    let processes: StepProgram.Register?
    private var hasWaitedForCgroup = false

    var spec: RuntimeSpec { request.spec }
    var linux: RuntimeSpec.Linux { request.spec.linux ?? RuntimeSpec.Linux() }

    /// `processes` is a descriptor of the pid namespace that `namespaces` joins.
    init(_ request: ContainerRequest, namespaces: NamespacePlan, cgroup: Cgroup, processes: CInt? = nil) {
        self.request = request
        self.namespaces = namespaces
        self.cgroup = cgroup
        root = program.register()
        null = program.register()
        let program = program
        self.processes = processes.map { program.register(holding: $0) }
    }

    /// Builds the whole program, in the order that the kernel's rules require.
    /// - Throws: `RuntimeFailure` for a spec that cannot be applied; nothing has happened then.
    mutating func build(_ process: RuntimeSpec.Process) throws(RuntimeFailure) -> StepProgram {
        try checkNames()
        try Unsupported.check(linux)
        addBeginning(process)
        let earlyBinds = addEarlyBinds()
        // Our copies of the host's mounts send no events back to the host from here on.
        program.add(
            BERTH_SETATTR, .doing("detach from the host's mounts"), in: .rootOfNamespace, in2: .allBelow,
            c: MountOptions.Propagation.slave)
        program.add(BERTH_OPEN_NULL, .doing("open /dev/null"), out: null)
        try addRoot()
        for (index, mount) in (spec.mounts ?? []).enumerated() {
            if isCgroup(mount) { addCgroupEntry() }
            try addMount(mount, early: earlyBinds[index])
        }
        try addDevices()
        var process = ProcessSteps(program, process, request.stdio, birth: birth)
        process.addTerminal(under: root)
        addCgroupEntry()
        if hasRuntimeHooks { addHookPause() }
        try addSysctls()
        addProtectedPaths()
        addNames()
        program.add(BERTH_PIVOT, .doing("change the root"), in: root)
        try addRootPropagation()
        try process.addIdentity(keyring: request.hasOwnKeyring ? .named(request.id) : .inherited)
        try process.addMemoryPolicy(linux.memoryPolicy)
        try process.addEnd(
            seccomp: linux.seccomp, cache: request.filterCache, kept: request.keptDescriptors,
            personality: linux.personality, makesFolder: true, gate: request.gate)
        return program
    }

    /// If the gate outlives the creator, whoever opens it must know the pid before.
    private var birth: Birth.Moment? { processes == nil ? nil : request.gate == nil ? .afterGate : .beforeGate }

    private func addBeginning(_ process: RuntimeSpec.Process) {
        program.add(BERTH_RESET_INHERITED, .doing("reset what was inherited"))
        if namespaces.isOwn(.user) {
            program.add(BERTH_WAIT, .doing("wait for the id mappings"))
            program.add(BERTH_USER, .doing("become root of the user namespace"))
        }
        ProcessSteps.addMemoryKillerScore(program, process)
        guard let processes else { return program.add(BERTH_SETSID, .doing("begin a session")) }
        program.add(BERTH_SETNS, .doing("join the processes"), in: processes, a: NamespacePlan.Kind.pid.flag)
    }

    /// Waits until the parent has added the process to its cgroup, and makes that cgroup the root of its view.
    private mutating func addCgroupEntry() {
        guard !hasWaitedForCgroup else { return }
        hasWaitedForCgroup = true
        if cgroup.needsJoining { program.add(BERTH_WAIT, .doing("wait for the cgroup")) }
        guard namespaces.isOwn(.cgroup) else { return }
        program.add(BERTH_UNSHARE, .doing("make a cgroup namespace"), a: NamespacePlan.Kind.cgroup.flag)
    }

    private var hasRuntimeHooks: Bool {
        guard let hooks = spec.hooks else { return false }
        return [hooks.prestart, hooks.createRuntime, hooks.createContainer].contains { $0?.isEmpty == false }
    }

    private func addHookPause() {
        program.add(BERTH_TELL, .doing("report"), a: UInt64(ChildEvent.Kind.hooks.rawValue))
        program.add(BERTH_WAIT, .doing("wait for the hooks"))
    }

    private func addNames() {
        if let name = spec.hostname, !name.isEmpty {
            program.add(BERTH_HOSTNAME, .doing("set the host name \"\(name)\""), text: name)
        }
        if let name = spec.domainname, !name.isEmpty {
            program.add(BERTH_DOMAINNAME, .doing("set the domain name \"\(name)\""), text: name)
        }
    }

    private func checkNames() throws(RuntimeFailure) {
        let wantsName = spec.hostname?.isEmpty == false || spec.domainname?.isEmpty == false
        guard !wantsName || namespaces.isSeparate(.uts) else {
            throw RuntimeFailure(step: "hostname", message: "a host name needs a uts namespace of the container's own")
        }
    }

    private func addSysctls() throws(RuntimeFailure) {
        let sysctls = (linux.sysctl ?? [:]).sorted { $0.key < $1.key }
        guard !sysctls.isEmpty else { return }
        let proc = addPrivateProc()
        for (key, value) in sysctls {
            try Sysctl.check(key, namespaces)
            let path = "sys/" + Sysctl.path(key)
            program.add(
                BERTH_WRITE_BENEATH, .doing("set sysctl \(key) to \"\(value)\""), in: proc, text: path, text2: value)
        }
        program.add(BERTH_CLOSE, .doing("close proc"), in: proc)
    }

    /// A proc file system that nobody else can see or mount over.
    private func addPrivateProc() -> StepProgram.Register {
        let context = program.register()
        let proc = program.register()
        program.add(BERTH_FSOPEN, .doing("open a private proc"), out: context, text: "proc")
        program.add(BERTH_FSMOUNT, .doing("mount a private proc"), in: context, out: proc)
        program.add(BERTH_CLOSE, .doing("close proc"), in: context)
        return proc
    }

    private func addProtectedPaths() {
        for path in linux.readonlyPaths ?? [] {
            program.add(BERTH_READ_ONLY, .doing("make \(path) read-only"), in: root, text: path)
        }
        for path in linux.maskedPaths ?? [] {
            program.add(BERTH_MASK, .doing("mask \(path)"), in: root, in2: null, text: path)
        }
        if spec.root?.readonly == true {
            program.add(
                BERTH_SETATTR, .doing("make the root read-only"), in: root, a: MountOptions.Attribute.readOnly)
        }
    }
}
