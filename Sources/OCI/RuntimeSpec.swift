import JSON

/// `config.json` of a bundle (OCI runtime-spec 1.3, config.md and config-linux.md); unknown fields are ignored.
package struct RuntimeSpec: Codable, Hashable, Sendable {
    package var ociVersion: String
    package var process: Process?
    package var root: Root?
    package var hostname: String?
    package var domainname: String?
    package var mounts: [Mount]?
    package var hooks: Hooks?
    package var annotations: [String: String]?
    package var linux: Linux?

    package init(ociVersion: String = "1.2.0") { self.ociVersion = ociVersion }

    package struct Root: Codable, Hashable, Sendable {
        package var path: String
        package var readonly: Bool?
        package init(path: String, readonly: Bool? = nil) {
            self.path = path
            self.readonly = readonly
        }
    }

    package struct Process: Codable, Hashable, Sendable {
        package var terminal: Bool?
        package var consoleSize: ConsoleSize?
        package var user: User
        package var args: [String]?
        package var env: [String]?
        package var cwd: String
        package var capabilities: Capabilities?
        package var rlimits: [Rlimit]?
        package var noNewPrivileges: Bool?
        package var apparmorProfile: String?
        package var selinuxLabel: String?
        package var oomScoreAdj: Int?
        package var scheduler: Scheduler?
        package var ioPriority: IOPriority?
        package var execCPUAffinity: ExecCPUAffinity?

        package init(user: User = User(), args: [String]? = nil, env: [String]? = nil, cwd: String = "/") {
            self.user = user
            self.args = args
            self.env = env
            self.cwd = cwd
        }
    }

    package struct ConsoleSize: Codable, Hashable, Sendable {
        package var height: UInt16
        package var width: UInt16
        package init(height: UInt16, width: UInt16) {
            self.height = height
            self.width = width
        }
    }

    package struct User: Codable, Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var umask: UInt32?
        package var additionalGids: [UInt32]?
        package init(uid: UInt32 = 0, gid: UInt32 = 0, umask: UInt32? = nil, additionalGids: [UInt32]? = nil) {
            self.uid = uid
            self.gid = gid
            self.umask = umask
            self.additionalGids = additionalGids
        }
    }

    package struct Capabilities: Codable, Hashable, Sendable {
        package var bounding: [String]?
        package var effective: [String]?
        package var inheritable: [String]?
        package var permitted: [String]?
        package var ambient: [String]?
        package init(
            bounding: [String]? = nil, effective: [String]? = nil, inheritable: [String]? = nil,
            permitted: [String]? = nil, ambient: [String]? = nil
        ) {
            self.bounding = bounding
            self.effective = effective
            self.inheritable = inheritable
            self.permitted = permitted
            self.ambient = ambient
        }
    }

    package struct Rlimit: Codable, Hashable, Sendable {
        /// `RLIMIT_NOFILE` …
        package var type: String
        package var soft: UInt64
        package var hard: UInt64
        package init(type: String, soft: UInt64, hard: UInt64) {
            self.type = type
            self.soft = soft
            self.hard = hard
        }
    }

    package struct Scheduler: Codable, Hashable, Sendable {
        package var policy: String
        package var nice: Int32?
        package var priority: Int32?
        package var flags: [String]?
        package var runtime: UInt64?
        package var deadline: UInt64?
        package var period: UInt64?
        package init(policy: String, nice: Int32? = nil, flags: [String]? = nil) {
            self.policy = policy
            self.nice = nice
            self.flags = flags
        }
    }

    package struct IOPriority: Codable, Hashable, Sendable {
        package var `class`: String
        package var priority: Int
    }

    package struct ExecCPUAffinity: Codable, Hashable, Sendable {
        package var initial: String?
        package var final: String?
    }

    package struct Mount: Codable, Hashable, Sendable {
        package var destination: String
        package var type: String?
        package var source: String?
        package var options: [String]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?
        package init(destination: String, type: String? = nil, source: String? = nil, options: [String]? = nil) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
        }
    }

    package struct Hooks: Codable, Hashable, Sendable {
        package var prestart: [Hook]?
        package var createRuntime: [Hook]?
        package var createContainer: [Hook]?
        package var startContainer: [Hook]?
        package var poststart: [Hook]?
        package var poststop: [Hook]?
        package init() {}
    }

    package struct Hook: Codable, Hashable, Sendable {
        package var path: String
        package var args: [String]?
        package var env: [String]?
        /// Seconds.
        package var timeout: Int?
        package init(path: String, args: [String]? = nil, env: [String]? = nil, timeout: Int? = nil) {
            self.path = path
            self.args = args
            self.env = env
            self.timeout = timeout
        }
    }

    package struct IDMapping: Codable, Hashable, Sendable {
        package var containerID: UInt32
        package var hostID: UInt32
        package var size: UInt32
        package init(containerID: UInt32, hostID: UInt32, size: UInt32) {
            self.containerID = containerID
            self.hostID = hostID
            self.size = size
        }
    }

    package struct Linux: Codable, Hashable, Sendable {
        package var namespaces: [Namespace]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?
        package var devices: [Device]?
        package var cgroupsPath: String?
        package var resources: Resources?
        package var rootfsPropagation: String?
        package var seccomp: Seccomp?
        package var sysctl: [String: String]?
        package var maskedPaths: [String]?
        package var readonlyPaths: [String]?
        package var mountLabel: String?
        package var timeOffsets: [String: TimeOffset]?
        package var personality: Personality?
        package var memoryPolicy: MemoryPolicy?
        package var intelRdt: JSONValue?
        package var netDevices: JSONValue?
        package init() {}
    }

    /// The NUMA nodes to allocate memory from (set_mempolicy(2)).
    package struct MemoryPolicy: Codable, Hashable, Sendable {
        /// `MPOL_BIND` …
        package var mode: String
        /// `0-1,3`
        package var nodes: String?
        /// `MPOL_F_STATIC_NODES` …
        package var flags: [String]?
        package init(mode: String, nodes: String? = nil, flags: [String]? = nil) {
            self.mode = mode
            self.nodes = nodes
            self.flags = flags
        }
    }

    package struct Namespace: Codable, Hashable, Sendable {
        /// `pid`, `network`, `mount`, `ipc`, `uts`, `user`, `cgroup` or `time`.
        package var type: String
        /// Joins the namespace at this path; nil creates a new one.
        package var path: String?
        package init(type: String, path: String? = nil) {
            self.type = type
            self.path = path
        }
    }

    package struct TimeOffset: Codable, Hashable, Sendable {
        package var secs: Int64?
        package var nanosecs: UInt32?
    }

    package struct Personality: Codable, Hashable, Sendable {
        package var domain: String
        package var flags: [String]?
    }

    package struct Device: Codable, Hashable, Sendable {
        /// `c`, `b`, `u` or `p`.
        package var type: String
        package var path: String
        package var major: Int64?
        package var minor: Int64?
        package var fileMode: UInt32?
        package var uid: UInt32?
        package var gid: UInt32?
        package init(type: String, path: String, major: Int64? = nil, minor: Int64? = nil, fileMode: UInt32? = nil) {
            self.type = type
            self.path = path
            self.major = major
            self.minor = minor
            self.fileMode = fileMode
        }
    }

    package struct Seccomp: Codable, Hashable, Sendable {
        package var defaultAction: String
        package var defaultErrnoRet: UInt32?
        package var architectures: [String]?
        package var flags: [String]?
        package var listenerPath: String?
        package var listenerMetadata: String?
        package var syscalls: [Syscall]?

        package init(defaultAction: String) { self.defaultAction = defaultAction }

        package struct Syscall: Codable, Hashable, Sendable {
            package var names: [String]
            package var action: String
            package var errnoRet: UInt32?
            package var args: [Argument]?
            package init(names: [String], action: String, errnoRet: UInt32? = nil, args: [Argument]? = nil) {
                self.names = names
                self.action = action
                self.errnoRet = errnoRet
                self.args = args
            }
        }

        package struct Argument: Codable, Hashable, Sendable {
            package var index: UInt32
            package var value: UInt64
            package var valueTwo: UInt64?
            package var op: String
            package init(index: UInt32, value: UInt64, valueTwo: UInt64? = nil, op: String) {
                self.index = index
                self.value = value
                self.valueTwo = valueTwo
                self.op = op
            }
        }
    }
}
