import ProjectModel

/// Builds that form one graph: `POST /v1/builds`. The answer switches the connection to `StreamFrame`s: the engine
/// sends `BuildMessage`s and requests files of the contexts, which only the client can read. The connection ends when
/// all builds have ended.
package struct BuildBatch: Codable, Hashable, Sendable {
    /// A build may use the results of those before it.
    package var builds: [BuildRequest]

    package init(builds: [BuildRequest]) { self.builds = builds }
}

/// An event in one of the builds, which is given by its index in the batch.
package struct BuildMessage: Codable, Hashable, Sendable {
    package var build: Int
    package var event: BuildEvent

    package init(build: Int, event: BuildEvent) {
        self.build = build
        self.event = event
    }
}

/// One image to build.
package struct BuildRequest: Codable, Hashable, Sendable {
    /// Its name in progress and messages: a service, or the image's name.
    package var title: String
    /// The Dockerfile's text, and its name in messages.
    package var dockerfile: String
    package var file: String
    /// The build's own context for a person: an absolute folder; empty for none.
    package var context: String = ""
    /// Additional contexts by name.
    package var contexts: [String: Context] = [:]
    package var target: String?
    package var arguments: [String: String] = [:]
    package var labels: [String: String] = [:]
    /// Names for the image.
    package var tags: [String] = []
    /// `linux/arm64`; nil means the machine's.
    package var platform: String?
    package var pull = false
    package var noCache = false
    /// Names of stages that must not come from the cache.
    package var noCacheFilter: [String] = []
    /// `none`, `host`, the name of a network, or nil for one of berth's own.
    package var network: String?
    package var extraHosts: [ExtraHost] = []
    /// The size of /dev/shm in bytes.
    package var shmSize: Int64?
    package var ulimits: [String: Ulimit] = [:]
    package var secrets: [Secret] = []
    /// Sockets of the caller's SSH agents by id, for `RUN --mount=type=ssh`.
    package var agents: [String: String] = [:]
    /// `RUN --security=insecure` is allowed.
    package var allowsInsecure = false
    package var allowsHostNetwork = false
    /// A RUN that fails opens a shell for the client.
    package var debugs = false
    /// SOURCE_DATE_EPOCH: seconds since 1970.
    package var epoch: Int64?
    package var logins: RegistryLogins?
    package var cacheFrom: [BuildCacheSource] = []
    package var cacheTo: [BuildCacheTarget] = []
    /// What to do with the result.
    package var outputs: [Output] = [.image]
    /// Annotations for the image's manifest.
    package var annotations: [String: String] = [:]

    /// What the client gets from a result, in addition to its name.
    package enum Output: String, Codable, Hashable, Sendable {
        /// Nothing: the image stays in the store, under its names.
        case image
        /// A tar of its files, without devices.
        case files
        /// A tar of its files.
        case tree
        /// An archive in the form of an OCI image layout.
        case oci
        /// An archive for `docker load`.
        case docker
        /// Nothing: the build only fills the cache.
        case none
        /// A tar with an OCI image layout of the results of steps: those that end in layers of the image.
        case cache
        /// The same for all steps.
        case wholeCache
    }

    package enum Context: Codable, Hashable, Sendable {
        /// A folder that the client reads; the text names it for a person.
        case folder(String)
        case image(String)
        /// An image in a folder that the client reads.
        case layout(BuildLayout)
        /// The result of an earlier build in the same batch.
        case build(Int)
    }

    /// A secret's value exists only in the memory of the engine and of the step.
    package struct Secret: Codable, Hashable, Sendable {
        package var id: String
        package var content: [UInt8]

        package init(id: String, content: [UInt8]) {
            self.id = id
            self.content = content
        }
    }

    package init(title: String, dockerfile: String, file: String) {
        self.title = title
        self.dockerfile = dockerfile
        self.file = file
    }
}

/// An event of a build.
package enum BuildEvent: Codable, Hashable, Sendable {
    /// A step changed its state.
    case step(BuildStepProgress)
    /// What a step wrote; `isError` is true for its standard error.
    case output(step: Int, text: String, isError: Bool? = nil)
    case warning(BuildNote)
    /// A step failed, and its shell waits for the client.
    case shell(BuildShell)
    /// The last event of a failed build.
    case failed([BuildNote])
    /// The last event: the image's id, the digest of its manifest, its names, and whether everything came from the
    /// cache.
    case finished(image: String, manifest: String, tags: [String], cached: Bool)
}

package struct BuildStepProgress: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable { case running, cached, done, failed, cancelled }

    /// Counts from 1, in the order in which the steps began.
    package var number: Int
    /// `[build 2/5] RUN make`.
    package var title: String
    package var state: State
    /// Its duration in seconds.
    package var seconds: Double?
    /// Why it was not taken from the cache.
    package var reasons: [String] = []
    /// No earlier build had a step in this place, so there is nothing to compare with.
    package var isFirst = false
    package var stage: String?
    /// The line in the Dockerfile at which its instruction begins.
    package var line: Int?
    /// The cache that it came from, if not the engine's own.
    package var cache: String?
    /// Once it is done: the digest of the resulting image or layers.
    package var result: String?

    package init(number: Int, title: String, state: State) {
        self.number = number
        self.title = title
        self.state = state
    }
}

/// An error or a remark, with its place in the Dockerfile.
package struct BuildNote: Codable, Hashable, Sendable {
    package struct Place: Codable, Hashable, Sendable {
        package var file: String
        package var line: Int
        package var column: Int
        package var length: Int

        package init(file: String, line: Int, column: Int, length: Int) {
            self.file = file
            self.line = line
            self.column = column
            self.length = length
        }
    }

    package var code: EngineFailure.Code
    package var message: String
    package var hint: String?
    package var place: Place?
    /// The last output lines of a step.
    package var log: [String] = []
    /// For a failed command: its words, and how it ended.
    package var command: [String]?
    package var exitCode: Int?

    package init(
        code: EngineFailure.Code = .invalid, message: String, hint: String? = nil, place: Place? = nil,
        log: [String] = []
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
        self.log = log
    }
}

/// What the engine requests from the client during a build, and the kinds of frames for both directions.
package enum BuildFrames {
    // From the engine to the client.
    /// A `BuildMessage`.
    package static let event: UInt8 = 32
    /// A `ContextQuestion`.
    package static let question: UInt8 = 33
    /// The engine has received enough for the client to send more.
    package static let goOn: UInt8 = 34
    /// A `BuildOutputHead`, followed by pieces of that output and an end. Outputs come one after the other.
    package static let output: UInt8 = 35
    package static let outputPiece: UInt8 = 36
    package static let outputEnd: UInt8 = 37

    // From the client to the engine.
    /// A piece of the JSON answer to a list.
    package static let list: UInt8 = 40
    package static let listEnd: UInt8 = 41
    /// A piece of a file, and the end of a file.
    package static let file: UInt8 = 42
    package static let fileEnd: UInt8 = 43
    /// The question cannot be answered; the payload is the reason.
    package static let failure: UInt8 = 44
    package static let cancel: UInt8 = 45

    /// How many bytes the client sends before it waits for `goOn`.
    package static let window = 4 << 20
    package static let piece = 256 << 10
}

package struct ContextQuestion<Query: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// The build that asks.
    package var build: Int
    /// Empty for the build's own context.
    package var context: String
    /// Request a list of what matches this query in the context.
    package var list: Query?
    /// Request the contents of these files, each ended by a frame.
    package var fetch: [String]?

    package init(build: Int, context: String, list: Query? = nil, fetch: [String]? = nil) {
        self.build = build
        self.context = context
        self.list = list
        self.fetch = fetch
    }
}

/// Announces the next output: its build and its index.
package struct BuildOutputHead: Codable, Hashable, Sendable {
    package var build: Int
    /// Its index among the outputs of the request.
    package var output: Int

    package init(build: Int, output: Int) {
        self.build = build
        self.output = output
    }
}

/// The answer to a list: the matches, or why there are none.
package enum ContextAnswer<Match: Codable & Hashable & Sendable, Failure: Codable & Hashable & Sendable>: Codable,
    Hashable, Sendable
{
    case found([[Match]])
    case failed(Failure)
}

/// An entry of the build cache.
package struct BuildCacheRow: Codable, Hashable, Sendable {
    package var id: String
    /// `run`, `copy`, `folder`, or `mount` for a cache mount.
    package var kind: String
    /// The instruction, or the id of the mount.
    package var title: String
    package var size: Int64
    /// Seconds since 1970.
    package var created: Int64
    package var used: Int64

    package init(id: String, kind: String, title: String, size: Int64, created: Int64, used: Int64) {
        self.id = id
        self.kind = kind
        self.title = title
        self.size = size
        self.created = created
        self.used = used
    }
}

/// What to remove from the build cache: everything, only entries that were not used for this many seconds, or only as
/// much as exceeds a size.
package struct BuildPruneRequest: Codable, Hashable, Sendable {
    package var unusedFor: Int64?
    package var keepBytes: Int64?
    /// Include cache mounts.
    package var all: Bool

    package init(unusedFor: Int64? = nil, keepBytes: Int64? = nil, all: Bool = false) {
        self.unusedFor = unusedFor
        self.keepBytes = keepBytes
        self.all = all
    }
}
