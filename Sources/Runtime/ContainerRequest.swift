import OCI

/// Everything that decides how to create a container's init process.
package struct ContainerRequest: Sendable {
    package var id: String
    package var spec: RuntimeSpec
    /// The absolute path of the bundle; relative paths in the spec start here.
    package var bundle: String
    package var rootfs: RootSource
    package var stdio: StandardStreams
    /// A folder for compiled seccomp filters that only this user can write to; nil compiles each time.
    package var filterCache: String?
    /// The number of descriptors from 3 on that the process keeps.
    package var keptDescriptors = 0
    /// A listening SOCK_SEQPACKET socket at which the process waits to be started; nil when its parent starts it.
    package var gate: Int32?
    /// Create a new session keyring, so that it does not see the caller's keys (keyrings(7)).
    package var hasOwnKeyring = true

    package init(id: String, spec: RuntimeSpec, bundle: String, rootfs: RootSource, stdio: StandardStreams) {
        self.id = id
        self.spec = spec
        self.bundle = bundle
        self.rootfs = rootfs
        self.stdio = stdio
    }
}

/// Where the root file system in the container's mount namespace comes from.
package enum RootSource: Hashable, Sendable {
    /// `spec.root.path`, unchanged.
    case directory
    /// Absolute paths; `lower` is top first.
    case overlay(lower: [String], upper: String, work: String)
}

/// The source of descriptors 0, 1 and 2 of a new process.
package enum StandardStreams: Hashable, Sendable {
    /// Descriptors of the caller.
    case descriptors(input: Int32, output: Int32, error: Int32)
    /// A terminal created in the container's own devpts; its other end comes with `ChildEvent.terminal`.
    case terminal(rows: UInt16, columns: UInt16)
}

/// What a process needs to join a running container.
package struct ExecRequest: Sendable {
    package var process: RuntimeSpec.Process
    /// The container's init process, or another process in it.
    package var target: Int32
    package var stdio: StandardStreams
    package var seccomp: RuntimeSpec.Seccomp?
    package var filterCache: String?
    package var keptDescriptors = 0
    /// For hooks: the absolute path of the program, whatever its first argument says; the environment is then used
    /// unchanged.
    package var program: String?
    package var memoryPolicy: RuntimeSpec.MemoryPolicy?

    package init(
        process: RuntimeSpec.Process, target: Int32, stdio: StandardStreams, seccomp: RuntimeSpec.Seccomp? = nil
    ) {
        self.process = process
        self.target = target
        self.stdio = stdio
        self.seccomp = seccomp
    }
}
