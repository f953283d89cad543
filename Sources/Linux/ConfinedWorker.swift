import CLinux
import Glibc

/// A process that does one piece of work on untrusted bytes, and can do nothing else.
///
/// The caller starts a program with `run`. The program loads what it needs, calls `Confinement.enter`, and only then
/// looks at the bytes.
package enum ConfinedWorker {
    /// How a worker ended, and its output.
    package struct Outcome: Sendable {
        /// Its output on descriptor 1, up to the limit.
        package let output: [UInt8]
        /// nil when it exited with status 0.
        package let mishap: String?
    }

    /// Starts the program at `path` and blocks until it has ended.
    ///
    /// It is the first process of a new pid namespace, and has new mount, network, IPC and UTS namespaces. From this
    /// process it gets only `descriptors` (its number → the number here). Its descriptor 1 is a pipe that is read here;
    /// 0 and 2 are /dev/null unless given. It is killed when the calling thread ends, or when `leash` is cut.
    package static func run(
        _ path: String, arguments: [String], environment: [String], descriptors: [CInt: CInt], outputLimit: Int,
        leash: WorkerLeash = WorkerLeash()
    ) throws(SyscallError) -> Outcome {
        var pipe = try DescriptorPair.pipe()
        let source = pipe.takeFirst()
        let sink = pipe.takeSecond()
        let process = try start(path, arguments, environment, descriptors.merging([1: sink.raw]) { $1 })
        _ = consume sink
        leash.attach(process)
        let output = Result { () throws(SyscallError) in try source.readToEnd(limit: outputLimit) }
        _ = consume source  // a worker with more output than the limit does not wait for a reader
        // Wait until it has ended, but do not reap it yet: the leash can be cut all the time.
        var ended = siginfo_t()
        while waitid(P_PID, id_t(process), &ended, WEXITED | WNOWAIT) < 0 && Errno.current == .interrupted {}
        leash.detach()
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 && Errno.current == .interrupted {}
        return Outcome(output: try output.get(), mishap: mishap(status))
    }

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String], _ descriptors: [CInt: CInt]
    ) throws(SyscallError) -> pid_t {
        let spaces = UInt64(
            BERTH_CLONE_NEWPID | BERTH_CLONE_NEWNS | BERTH_CLONE_NEWNET | BERTH_CLONE_NEWIPC | BERTH_CLONE_NEWUTS)
        var pid: CInt = -1
        let code = try withDescriptors(descriptors) { sources, targets in
            withCStrings(arguments) { argv in
                withCStrings(environment) { envp in
                    berth_spawn_apart(&pid, path, argv, envp, sources, targets, targets.count, spaces)
                }
            }
        }
        guard code == 0 else { throw SyscallError(call: "clone", object: path, code: Errno(rawValue: code)) }
        return pid
    }

    private static func mishap(_ status: CInt) -> String? {
        guard status != 0 else { return nil }
        guard status & 0x7F != 0 else { return "exited with \(status >> 8 & 0xFF)" }
        let signal = status & 0x7F
        let reason = signal == SIGSYS ? ", for a system call that it may not make" : ""
        return "was killed by signal \(signal)\(reason)"
    }
}

/// What a confined worker keeps; it loses everything else permanently.
package struct Confinement: Sendable {
    /// Which system calls a worker may make, besides memory, time, its own end, and its open descriptors.
    package struct Calls: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Open, inspect and list files.
        package static let openFiles = Calls(rawValue: UInt32(BERTH_CALLS_OPEN_FILES))
        /// Create, describe and remove files; without it the worker's folder is read-only.
        package static let changeFiles = Calls(rawValue: UInt32(BERTH_CALLS_CHANGE_FILES))
    }

    /// Descriptors to keep open. A folder must not be among them, because `..` would lead out of the worker's own.
    package var descriptors: [CInt]
    package var capabilities: CapabilitySet
    package var calls: Calls
    /// The maximum address space in bytes.
    package var memory: UInt

    package init(descriptors: [CInt], capabilities: CapabilitySet, calls: Calls, memory: UInt) {
        self.descriptors = descriptors
        self.capabilities = capabilities
        self.calls = calls
        self.memory = memory
    }

    /// Confines this process, which `ConfinedWorker` started and which has one thread, to `folder`: the only file
    /// system that it sees, without usable devices and programs.
    ///
    /// Closes `folder`, because it belongs to the file system outside. The caller must check files that the worker
    /// creates.
    package func enter(_ folder: consuming OwnedFD) throws(SyscallError) {
        try checkPlace()
        try makeOnlyFileSystem(folder)
        _ = consume folder
        try finish()
    }

    /// The same with a view of a container's file systems (`openView`) instead of a folder: nothing is above its root.
    package func enter(view: consuming OwnedFD) throws(SyscallError) {
        try checkPlace()
        let raw = view.raw
        try syscall("chroot", on: "the container's files") { berth_enter_folder(raw) }
        _ = consume view
        try finish()
    }

    /// The same with a container's mount namespace (setns(2)), whose root becomes this process's root.
    package func enter(mountNamespace namespace: consuming OwnedFD) throws(SyscallError) {
        try checkPlace()
        let raw = namespace.raw
        try syscall("setns", on: "the container's mounts") { berth_setns(raw, CInt(BERTH_CLONE_NEWNS)) }
        try syscall("chdir", on: "/") { chdir("/") }
        _ = consume namespace
        try finish()
    }

    private func checkPlace() throws(SyscallError) {
        guard getpid() == 1 else {
            throw SyscallError(
                call: "getpid", object: "a process outside of a worker's namespaces", code: .notPermitted)
        }
    }

    private func finish() throws(SyscallError) {
        try closeOthers()
        try capabilities.confineThisProcess()
        try syscall("seccomp", on: "the worker") { berth_confine(memory, 256, calls.rawValue) }
    }

    private func makeOnlyFileSystem(_ folder: borrowing OwnedFD) throws(SyscallError) {
        try mountFileSystem("none", at: "/", type: nil, flags: UInt(BERTH_MS_REC | BERTH_MS_PRIVATE), options: nil)
        // The new mount, under the folder's name; the descriptor still refers to what is below it.
        let path = "/proc/self/fd/\(folder.raw)"
        guard let real = try openFile("/", O_RDONLY).linkTarget(of: path) else {
            throw SyscallError(call: "readlink", object: path, code: .notFound)
        }
        try mountFileSystem(real, at: real, type: nil, flags: UInt(BERTH_MS_BIND), options: nil)
        var flags = BERTH_MS_BIND | BERTH_MS_REMOUNT | BERTH_MS_NOSUID | BERTH_MS_NODEV | BERTH_MS_NOEXEC
        if !calls.contains(.changeFiles) { flags |= BERTH_MS_RDONLY }
        try mountFileSystem("none", at: real, type: nil, flags: UInt(flags), options: nil)
        try syscall("chdir", on: real) { chdir(real) }
        try syscall("pivot_root", on: real) { berth_pivot_to_working_folder() }
        try syscall("chdir", on: "/") { chdir("/") }
    }

    /// Closes what the loader, a library or a careless caller left open.
    private func closeOthers() throws(SyscallError) {
        for kept in descriptors {
            var status = stat()
            try syscall("fstat", on: "fd \(kept)") { fstat(kept, &status) }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw SyscallError(call: "fstat", object: "fd \(kept), which a worker may not keep", code: .isDirectory)
            }
        }
        var first: UInt32 = 0
        for kept in Set(descriptors).sorted() {
            let number = UInt32(kept)
            if first < number {
                try syscall("close_range", on: "the worker") { berth_close_range(first, number - 1, 0) }
            }
            first = number + 1
        }
        try syscall("close_range", on: "the worker") { berth_close_range(first, .max, 0) }
    }
}
