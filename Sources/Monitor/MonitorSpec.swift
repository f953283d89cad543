import OCI

/// What a monitor is told at its start: `spec.json` in its folder, written by the engine, mode 0600.
///
/// The folder also holds `lock` (flock held for the monitor's life), `control.sock`, `attach.sock`, and `state.json`.
package struct MonitorSpec: Codable, Hashable, Sendable {
    /// The container's id, or the exec's: letters, digits, `_`, `.`, `-`.
    package var id: String
    package var kind: Kind
    /// Allocate a terminal; standard error is then part of it.
    package var terminal: Bool
    /// Keep standard input open for attached streams; otherwise it is /dev/null.
    package var stdin: Bool
    /// The input ends for good when the first attached stream ends its own.
    package var stdinOnce: Bool
    /// Where output is kept; nil keeps none.
    package var log: LogFile?
    /// Where the `ExitStatus` is written as JSON, atomically, before it is told; on disk, not in the run folder.
    package var exitFile: String?
    /// Folder, mode 0700, in which compiled seccomp filters are kept for all monitors; nil compiles each time.
    package var filterCache: String?

    package enum Kind: Codable, Hashable, Sendable {
        case container(Container)
        case exec(Exec)
    }

    package struct Container: Codable, Hashable, Sendable {
        package var spec: RuntimeSpec
        package var rootfs: RootFilesystem
        /// The bundle folder: `spec.root.path` is relative to it, and an overlay is mounted there.
        package var bundle: String

        package init(spec: RuntimeSpec, rootfs: RootFilesystem, bundle: String) {
            self.spec = spec
            self.rootfs = rootfs
            self.bundle = bundle
        }
    }

    package struct Exec: Codable, Hashable, Sendable {
        package var process: RuntimeSpec.Process
        /// The folder of the container's monitor: its `state.json` says which process to join.
        package var containerFolder: String
        /// Same seccomp filter as the container unless privileged.
        package var seccomp: RuntimeSpec.Seccomp?
        /// Killed with its process group after this long; nil is without limit. For health probes and hooks.
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

    /// How the root file system comes to be in the container's own mount namespace.
    package enum RootFilesystem: Codable, Hashable, Sendable {
        /// `spec.root.path` as it is.
        case directory
        /// Absolute paths; `lower` is top first.
        case overlay(lower: [String], upper: String, work: String)
    }

    package struct LogFile: Codable, Hashable, Sendable {
        /// Docker's json-file lines; older files are `path.1`, `path.2` …
        package var path: String
        /// Bytes of one file.
        package var maximumSize: Int64
        package var maximumFiles: Int
        /// Hold the writer back rather than drop lines when the disk is full.
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
