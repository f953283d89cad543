import CLinux
import Glibc
import Linux
import OCI

/// The steps that set up a process as its `process` object says; the same for a container's init process and for an
/// exec.
struct ProcessSteps {
    let program: StepProgram
    let process: RuntimeSpec.Process
    let stdio: StandardStreams
    /// When it is created in another container's pid namespace; nil when it is in its namespace already.
    let birth: Birth.Moment?
    /// The program, if it differs from what arguments and environment say.
    var path: String?
    private let slave: StepProgram.Register

    init(
        _ program: StepProgram, _ process: RuntimeSpec.Process, _ stdio: StandardStreams, birth: Birth.Moment? = nil
    ) {
        self.program = program
        self.process = process
        self.stdio = stdio
        self.birth = birth
        slave = program.register()
    }

    /// The session keyring, which decides whose keys the process sees (keyrings(7)).
    enum Keyring: Hashable {
        /// The caller's.
        case inherited
        /// A new one with a name.
        case named(String)
        /// A new one without a name.
        case nameless
    }

    /// The first step, while the host's /proc is still there.
    static func addMemoryKillerScore(_ program: StepProgram, _ process: RuntimeSpec.Process) {
        guard let score = process.oomScoreAdj else { return }
        // Without permission to lower it (CAP_SYS_RESOURCE, rootless) the process keeps its score, as in other
        // runtimes.
        program.add(
            BERTH_WRITE_FILE, .doing("set oom_score_adj to \(score)"), text: "/proc/self/oom_score_adj",
            text2: "\(score)", a: UInt64(EACCES))
    }

    /// Creates the terminal in the container's devpts and sends it to the parent; for an init process it also becomes
    /// /dev/console.
    mutating func addTerminal(under root: StepProgram.Register, isConsole: Bool = true) {
        guard case .terminal(let rows, let columns) = stdio else { return }
        let master = program.register()
        program.add(
            BERTH_OPEN_TERMINAL, .doing("open a terminal in /dev/pts"), in: root, in2: slave, out: master,
            a: UInt64(rows) << 16 | UInt64(columns), b: UInt64(process.user.uid))
        program.add(BERTH_TELL, .doing("report"), in: master, a: UInt64(ChildEvent.Kind.terminal.rawValue))
        program.add(BERTH_CLOSE, .doing("close the terminal"), in: master)
        if isConsole {
            program.add(BERTH_CONSOLE, .doing("mount /dev/console"), in: root, in2: slave)
        }
    }

    /// Adds limits, streams, folder, and the whole identity except the user id.
    mutating func addIdentity(keyring: Keyring) throws(RuntimeFailure) {
        try addLimits()
        switch keyring {
        case .inherited: break
        case .named(let name): program.add(BERTH_KEYRING, .doing("join a session keyring"), text: "_berth.\(name)")
        case .nameless: program.add(BERTH_KEYRING, .doing("join a session keyring"))
        }
        try addScheduling()
        addStreams()
        try addSecurityLabels()
    }

    /// Adds the steps from dropping privileges to exec, with the gate at which the process waits. `makesFolder`: create
    /// a missing working directory.
    mutating func addEnd(
        seccomp: RuntimeSpec.Seccomp?, cache: String?, kept: Int, personality: RuntimeSpec.Personality?,
        makesFolder: Bool, gate: CInt? = nil
    ) throws(RuntimeFailure) {
        let filter = try seccomp.map { seccomp throws(RuntimeFailure) in try FilterCache(cache).filter(for: seccomp) }
        let isLocked = process.noNewPrivileges == true
        // A process that waits at its gate among other processes already has its filter.
        let isLate = isLocked && birth != .beforeGate
        try addPersonality(personality)
        let environment = environment()
        let listener = gate.map { program.register(holding: $0) } ?? .none
        // Before the working directory changes, so that it cannot name one of our descriptors as /proc/self/fd/N
        // (CVE-2024-21626).
        program.add(BERTH_CLOSE_OTHERS, .doing("close descriptors"), in: listener, a: UInt64(kept))
        program.add(
            BERTH_CHDIR, .workingFolder(process.cwd), text: process.cwd, a: makesFolder ? 1 : 0)
        addUser(beforeCapabilities: {
            // Without no_new_privs, setting a filter needs CAP_SYS_ADMIN, which is dropped next.
            if !isLocked, let filter { addFilter(filter) }
        })
        if isLocked { program.add(BERTH_NO_NEW_PRIVILEGES, .doing("set no_new_privs")) }
        program.add(BERTH_UMASK, .doing("set the umask"), a: UInt64(process.user.umask ?? 0o022))
        if kept > 0 {
            program.add(BERTH_KEEP_DESCRIPTORS, .doing("keep \(kept) descriptors from 3 on"), a: UInt64(kept))
        }
        if isLocked, !isLate, let filter { addFilter(filter) }
        if birth == .beforeGate { try addBirth(.beforeGate) }
        program.add(BERTH_TELL, .doing("report"), a: UInt64(ChildEvent.Kind.gate.rawValue))
        if gate != nil { program.add(BERTH_ACCEPT, .doing("wait to be started"), in: listener) }
        program.add(BERTH_WAIT, .doing("wait to be released"))
        if isLate, let filter { addFilter(filter) }
        if birth == .afterGate { try addBirth(.afterGate) }
        try addExec(environment)
    }

    private func addBirth(_ moment: Birth.Moment) throws(RuntimeFailure) {
        let hasTerminal = if case .terminal = stdio { true } else { false }
        let limit = process.rlimits?.first { $0.type == Self.processLimit }
        let numbers = limit.map { [$0.soft, $0.hard] }
        program.birth = try naming("enter the process namespace") { () throws(SyscallError) in
            try Birth(moment, hasTerminal: hasTerminal, processLimit: numbers)
        }
        program.add(
            BERTH_BIRTH, .doing("enter the process namespace"), data: numbers.map { program.array($0) },
            a: hasTerminal ? 1 : 0)
    }

    private func addLimits() throws(RuntimeFailure) {
        var seen: Set<String> = []
        for limit in process.rlimits ?? [] {
            guard let resource = Self.resources.firstIndex(of: limit.type) else {
                throw RuntimeFailure(step: "rlimits", message: "unknown resource limit \"\(limit.type)\"")
            }
            guard seen.insert(limit.type).inserted else {
                throw RuntimeFailure(step: "rlimits", message: "resource limit \(limit.type) is listed twice")
            }
            var current = rlimit()
            getrlimit(__rlimit_resource_t(UInt32(resource)), &current)
            let hint =
                limit.hard > UInt64(current.rlim_max)
                ? " (above this host's hard limit \(current.rlim_max): needs CAP_SYS_RESOURCE)" : ""
            let isLater = limit.type == Self.processLimit && birth != nil
            if isLater, limit.hard <= UInt64(current.rlim_max) { continue }
            program.add(
                BERTH_RLIMIT, .doing("set \(limit.type) to \(limit.soft):\(limit.hard)\(hint)"), a: UInt64(resource),
                b: isLater ? limit.hard : limit.soft, c: limit.hard)
        }
    }

    private func addStreams() {
        switch stdio {
        case .descriptors(let input, let output, let error):
            // First to numbers above 2, so that none is overwritten before it is used.
            for (target, descriptor) in [input, output, error].enumerated() {
                let register = program.register(holding: descriptor)
                program.add(BERTH_DUP, .doing("set descriptor \(target)"), in: register, a: UInt64(target))
            }
        case .terminal:
            for target: UInt64 in 0...2 {
                program.add(BERTH_DUP, .doing("set descriptor \(target)"), in: slave, a: target)
            }
            // A process that begins its session at its birth gets the terminal there.
            if birth == nil { program.add(BERTH_CONTROLLING_TTY, .doing("take the terminal")) }
        }
    }

    private func addUser(beforeCapabilities addFilter: () -> Void) {
        let user = process.user
        let capabilities = process.capabilities
        let bounding = CapabilitySet(capabilities?.bounding)
        let groups = user.additionalGids ?? []
        program.add(
            BERTH_GROUPS, .doing("set the groups \(groups)"), data: program.array(groups), a: UInt64(groups.count))
        if capabilities != nil {
            program.add(
                BERTH_BOUNDING, .doing("drop capabilities"), a: bounding.bits,
                b: UInt64(CapabilitySet.kernelCount))
        }
        addFilter()
        program.add(
            BERTH_USER, .doing("become user \(user.uid):\(user.gid)"), a: UInt64(user.uid), b: UInt64(user.gid))
        guard let capabilities else { return }
        program.add(
            BERTH_CAPABILITIES, .doing("set capabilities"), a: CapabilitySet(capabilities.effective).bits,
            b: CapabilitySet(capabilities.permitted).bits, c: CapabilitySet(capabilities.inheritable).bits)
        program.add(
            BERTH_AMBIENT, .doing("set ambient capabilities"), a: CapabilitySet(capabilities.ambient).bits)
    }

    private func addFilter(_ filter: SeccompFilter) {
        program.add(
            BERTH_SECCOMP, .doing("load the seccomp filter"), data: program.array(filter.instructions),
            a: UInt64(filter.instructions.count), b: filter.flags)
    }

    private func addExec(_ environment: UnsafeRawPointer) throws(RuntimeFailure) {
        guard let arguments = process.args, let name = arguments.first, !name.isEmpty else {
            throw RuntimeFailure(step: "process.args", message: "there is no command to run")
        }
        let candidates =
            path.map { [$0] }
            ?? CommandSearch.candidates(for: name, path: CommandSearch.lastValue(of: "PATH", in: process.env ?? []))
        program.add(
            BERTH_EXEC, .exec(path ?? name), data: UnsafeRawPointer(program.strings(arguments)), data2: environment,
            a: UInt64(UInt(bitPattern: program.strings(candidates))))
    }

    /// The environment with each name once (its last value), and HOME from the container's passwd if it is missing.
    private func environment() -> UnsafeRawPointer {
        var seen: Set<Substring> = []
        var kept: [String] = []
        for variable in (process.env ?? []).reversed() {
            let name = variable.prefix { $0 != "=" }
            if seen.insert(name).inserted { kept.append(variable) }
        }
        var pointers = kept.reversed().map { program.string($0) }
        if path == nil, !seen.contains("HOME") {
            let size = 1024
            let home = program.buffer(size)
            program.add(
                BERTH_HOME, .doing("find the home folder"), data: UnsafeRawPointer(home), a: UInt64(size),
                b: UInt64(process.user.uid))
            pointers.append(UnsafePointer(home))
        }
        return UnsafeRawPointer(program.strings(pointers))
    }

    /// The kernel also counts the process being created, so set this limit at its birth, not for its creator.
    private static let processLimit = "RLIMIT_NPROC"

    /// The index of each name is its number (asm-generic/resource.h; the same on x86-64 and arm64).
    private static let resources = [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ]
}
