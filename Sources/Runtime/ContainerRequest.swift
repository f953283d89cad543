import OCI

/// Everything that decides how a container's init process is made.
package struct ContainerRequest: Sendable {
    package var id: String
    package var spec: RuntimeSpec
    /// Absolute path of the bundle: relative paths of the spec begin there.
    package var bundle: String
    package var rootfs: RootSource
    package var stdio: StandardStreams
    /// Where compiled seccomp filters are kept between runs, a folder only this user can write to; nil compiles each time.
    package var filterCache: String?
    /// How many descriptors from 3 on the process keeps.
    package var keptDescriptors = 0
    /// A listening SOCK_SEQPACKET socket at which the process waits for whoever starts it; nil when that is its parent.
    package var gate: Int32?
    /// A new session keyring, so that it does not see the caller's keys (keyrings(7)).
    package var hasOwnKeyring = true

    package init(id: String, spec: RuntimeSpec, bundle: String, rootfs: RootSource, stdio: StandardStreams) {
        self.id = id
        self.spec = spec
        self.bundle = bundle
        self.rootfs = rootfs
        self.stdio = stdio
    }
}

/// How the root file system comes to be in the container's own mount namespace.
package enum RootSource: Hashable, Sendable {
    /// `spec.root.path` as it is.
    case directory
    /// Absolute paths; `lower` is top first.
    case overlay(lower: [String], upper: String, work: String)
}

/// Where descriptors 0, 1 and 2 of a new process come from.
package enum StandardStreams: Hashable, Sendable {
    /// Descriptors of the caller.
    case descriptors(input: Int32, output: Int32, error: Int32)
    /// A terminal made in the container's own devpts; its other side comes with `ChildEvent.terminal`.
    case terminal(rows: UInt16, columns: UInt16)
}

/// What joins a process to a running container.
package struct ExecRequest: Sendable {
    package var process: RuntimeSpec.Process
    /// The container's init, or another process in it.
    package var target: Int32
    package var stdio: StandardStreams
    package var seccomp: RuntimeSpec.Seccomp?
    package var filterCache: String?
    package var keptDescriptors = 0
    /// Absolute path of the program, whatever its first argument calls it; the environment is then taken as it is. For hooks.
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
