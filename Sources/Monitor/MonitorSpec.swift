import OCI

/// The input of a monitor: `spec.json` in its folder, written by the engine with mode 0600.
///
/// The folder also contains `lock` (locked with flock as long as the monitor runs), `control.sock`, `attach.sock`, and
/// `state.json`.
package struct MonitorSpec: Codable, Hashable, Sendable {
    /// The container's id, or the exec's: letters, digits, `_`, `.`, `-`.
    package var id: String
    package var kind: Kind
    /// Allocate a terminal; standard error then goes to it as well.
    package var terminal: Bool
    /// Keep standard input open for attached streams; otherwise it is /dev/null.
    package var stdin: Bool
    /// Standard input ends when the first attached client ends its input.
    package var stdinOnce: Bool
    /// Where to log output; nil means nowhere.
    package var log: LogFile?
    /// Where to write the `ExitStatus` as JSON, atomically, before reporting it. On disk, not in the run folder.
    package var exitFile: String?
    /// A folder with mode 0700 for compiled seccomp filters of all monitors; nil compiles each time.
    package var filterCache: String?

    package enum Kind: Codable, Hashable, Sendable {
        case container(Container)
        case exec(Exec)
    }

    package struct Container: Codable, Hashable, Sendable {
        package var spec: RuntimeSpec
        package var rootfs: RootFilesystem
        /// The bundle folder: `spec.root.path` is relative to it, and an overlay is mounted in it.
        package var bundle: String

        package init(spec: RuntimeSpec, rootfs: RootFilesystem, bundle: String) {
            self.spec = spec
            self.rootfs = rootfs
            self.bundle = bundle
        }
    }

    package struct Exec: Codable, Hashable, Sendable {
        package var process: RuntimeSpec.Process
        /// The folder of the container's monitor; its `state.json` says which process to join.
        package var containerFolder: String
        /// Same seccomp filter as the container unless privileged.
        package var seccomp: RuntimeSpec.Seccomp?
        /// Kill it and its process group after this time; nil means never. For health probes and hooks.
        package var timeout: Duration?

        package init(
            process: RuntimeSpec.Process, containerFolder: String, seccomp: RuntimeSpec.Seccomp? = nil,
            timeout: Duration? = nil
        ) {
            self.process = process
            self.containerFolder = containerFolder
            self.seccomp = seccomp
            self.timeout = timeout
        }
    }

    /// Where the root file system in the container's mount namespace comes from.
    package enum RootFilesystem: Codable, Hashable, Sendable {
        /// `spec.root.path`, unchanged.
        case directory
        /// Absolute paths; `lower` is top first.
        case overlay(lower: [String], upper: String, work: String)
    }

    package struct LogFile: Codable, Hashable, Sendable {
        /// Docker's json-file lines; older files are `path.1`, `path.2` …
        package var path: String
        /// The maximum size of one file in bytes.
        package var maximumSize: Int64
        package var maximumFiles: Int
        /// When the disk is full, block the writer instead of dropping lines.
        package var isBlocking: Bool

        package init(
            path: String, maximumSize: Int64 = 10 << 20, maximumFiles: Int = 3, isBlocking: Bool = false
        ) {
            self.path = path
            self.maximumSize = maximumSize
            self.maximumFiles = maximumFiles
            self.isBlocking = isBlocking
        }
    }

    package init(
        id: String, kind: Kind, terminal: Bool = false, stdin: Bool = false, stdinOnce: Bool = false,
        log: LogFile? = nil, exitFile: String? = nil, filterCache: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.terminal = terminal
        self.stdin = stdin
        self.stdinOnce = stdinOnce
        self.log = log
        self.exitFile = exitFile
        self.filterCache = filterCache
    }
}
