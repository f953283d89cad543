import Linux

/// The folders of an engine: a root folder for what must survive a reboot, a run folder for the rest.
package struct EnginePaths: Hashable, Sendable {
    /// `/var/lib/berth`, or `BERTH_ROOT`.
    package let root: String
    /// `/run/berth`, or `BERTH_RUN`.
    package let run: String

    package static let defaultRoot = "/var/lib/berth"
    package static let defaultRun = "/run/berth"

    package init(root: String = defaultRoot, run: String = defaultRun) {
        self.root = root
        self.run = run
    }

    package var socket: String { "\(run)/berthd.sock" }
    package var dockerSocket: String { "\(run)/docker.sock" }
    package var lock: String { "\(root)/lock" }
    package var database: String { "\(root)/engine.db" }
    package var networkRun: String { "\(run)/net" }
    package var seccompCache: String { "\(root)/seccomp" }
    /// Contents of secrets that do not come from a file.
    package var vault: String { "\(root)/secrets" }
    /// Copies of secrets and configs for containers, in memory.
    package var secretsRun: String { "\(run)/secrets" }
    package func secrets(_ id: String) -> String { "\(secretsRun)/\(id)" }

    /// The container's folder on disk: writable layer, log, exit status.
    package func container(_ id: String) -> String { "\(root)/containers/\(id)" }
    /// The container's folder until the next reboot: its monitor's files, its hosts file and resolv.conf.
    package func containerRun(_ id: String) -> String { "\(run)/containers/\(id)" }
    /// The runtime's bundle folder; `rootfs` in it is what the root file system is mounted on.
    package func bundle(_ id: String) -> String { "\(containerRun(id))/bundle" }
    package func monitor(_ id: String) -> String { "\(containerRun(id))/monitor" }
    package func exec(_ id: String) -> String { "\(run)/execs/\(id)" }
    package func namespace(_ id: String) -> String { "\(run)/netns/\(id)" }
    package func log(_ id: String) -> String { "\(container(id))/log.json" }
    package func exitFile(_ id: String) -> String { "\(container(id))/exit.json" }
    package func volume(_ name: String) -> String { "\(root)/volumes/\(name)/_data" }

    /// Creates the folders: the run folder with mode 0711, so that members of the group reach the socket; everything in
    /// it for root only.
    package func prepare() throws(SyscallError) {
        try makeFolders(root, mode: 0o711)
        try makeFolders(run, mode: 0o711)
        for folder in ["containers", "execs", "netns", "net"] { try makeFolders("\(run)/\(folder)", mode: 0o700) }
        for folder in ["containers", "volumes", "seccomp", "secrets"] {
            try makeFolders("\(root)/\(folder)", mode: 0o700)
        }
    }
}
