import ProjectModel

/// Builds that make one graph: `POST /v1/builds`. The answer switches the connection over to `StreamFrame`s: the engine tells
/// `BuildMessage`s and asks for files of the contexts, which only the client can read. It ends when all builds have.
package struct BuildBatch: Codable, Hashable, Sendable {
    /// One may take the results of those before it.
    package var builds: [BuildRequest]

    package init(builds: [BuildRequest]) { self.builds = builds }
}

/// What happens in one of the builds, by its place in the batch.
package struct BuildMessage: Codable, Hashable, Sendable {
    package var build: Int
    package var event: BuildEvent

    package init(build: Int, event: BuildEvent) {
        self.build = build
        self.event = event
    }
}

/// One image that is asked for.
package struct BuildRequest: Codable, Hashable, Sendable {
    /// What progress and messages call it: a service, or the image's name.
    package var title: String
    /// The Dockerfile's text, and what messages call it.
    package var dockerfile: String
    package var file: String
    /// The build's own context as a person knows it: an absolute folder; empty for none.
    package var context: String = ""
    /// Further contexts by name.
    package var contexts: [String: Context] = [:]
    package var target: String?
    package var arguments: [String: String] = [:]
    package var labels: [String: String] = [:]
    /// Names that the image gets.
    package var tags: [String] = []
    /// `linux/arm64`; nil is the machine's.
    package var platform: String?
    package var pull = false
    package var noCache = false
    /// Stages that are not taken from the cache, by name.
    package var noCacheFilter: [String] = []
    /// `none`, `host`, the name of a network, or nil for one of berth's own.
    package var network: String?
    package var extraHosts: [ExtraHost] = []
    /// Bytes of /dev/shm.
    package var shmSize: Int64?
    package var ulimits: [String: Ulimit] = [:]
    package var secrets: [Secret] = []
    /// Sockets of the caller's SSH agents by id, for `RUN --mount=type=ssh`.
    package var agents: [String: String] = [:]
    /// `RUN --security=insecure` is allowed.
    package var allowsInsecure = false
    package var allowsHostNetwork = false
    /// SOURCE_DATE_EPOCH: seconds since 1970.
    package var epoch: Int64?
    package var logins: RegistryLogins?
    package var cacheFrom: [BuildCacheSource] = []
    package var cacheTo: [BuildCacheTarget] = []
    /// What becomes of the result.
    package var outputs: [Output] = [.image]
    /// Of the image's manifest.
    package var annotations: [String: String] = [:]

    /// What the client gets of a result, beside its name.
    package enum Output: String, Codable, Hashable, Sendable {
        /// Nothing: the image is kept in the store, under its names.
        case image
        /// A tar of its files, without devices.
        case files
        /// A tar of its files.
        case tree
        /// An archive in the form of an OCI image layout.
        case oci
        /// One that `docker load` reads.
        case docker
        /// Nothing: only the cache is filled.
        case none
        /// A tar with an OCI image layout of results of steps: those that end in layers of the image.
        case cache
        /// The same of all steps.
        case wholeCache
    }

    package enum Context: Codable, Hashable, Sendable {
        /// A folder that the client reads, as a person knows it.
        case folder(String)
        case image(String)
        /// An image in a folder that the client reads.
        case layout(BuildLayout)
        /// The result of a build before this one in the same batch.
        case build(Int)
    }

    /// A secret's value never leaves the engine's memory and the step's own.
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

/// What happens in a build.
package enum BuildEvent: Codable, Hashable, Sendable {
    /// A step changed its state.
    case step(BuildStepProgress)
    /// What a step wrote.
    case output(step: Int, text: String)
    case warning(BuildNote)
    /// Last one, of a build that failed.
    case failed([BuildNote])
    /// Last one: the image's id, the digest of its manifest, and whether all of it came from the cache.
    case finished(image: String, manifest: String, tags: [String], cached: Bool)
}

package struct BuildStepProgress: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable { case running, cached, done, failed, cancelled }

    /// Counts from 1, in the order in which the steps began.
    package var number: Int
    /// `[build 2/5] RUN make`.
    package var title: String
    package var state: State
    /// Seconds that it took.
    package var seconds: Double?
    /// Why it was not taken from the cache.
    package var reasons: [String] = []
    /// Nothing was ever built at its place, so that there is nothing to compare with.
    package var isFirst = false
    package var stage: String?
    /// The line of the Dockerfile where its instruction begins.
    package var line: Int?
    /// The cache that it was taken from, when that is not the engine's own.
    package var cache: String?
    /// Once it is done: the digest of the image or of the layers that are there then.
    package var result: String?

    package init(number: Int, title: String, state: State) {
        self.number = number
        self.title = title
        self.state = state
    }
}

/// What is wrong, or worth knowing, with its place in the Dockerfile.
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
    /// The last lines that a step wrote.
    package var log: [String] = []
    /// Of a command that ended with an error: its words, and how.
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

/// What the engine asks of the client during a build, and the kinds of frames in which both speak.
package enum BuildFrames {
    // To the client.
    /// A `BuildMessage`.
    package static let event: UInt8 = 32
    /// A `ContextQuestion`.
    package static let question: UInt8 = 33
    /// So much was taken in that the client may send more.
    package static let goOn: UInt8 = 34
    /// A `BuildOutputHead`: pieces of that output follow, and an end. No two come at once.
    package static let output: UInt8 = 35
    package static let outputPiece: UInt8 = 36
    package static let outputEnd: UInt8 = 37

    // From the client.
    /// A piece of the JSON that answers a list.
    package static let list: UInt8 = 40
    package static let listEnd: UInt8 = 41
    /// A piece of a file, and its end.
    package static let file: UInt8 = 42
    package static let fileEnd: UInt8 = 43
    /// The question cannot be answered: the reason as text.
    package static let failure: UInt8 = 44
    package static let cancel: UInt8 = 45

    /// Bytes that the client sends before it waits for `goOn`.
    package static let window = 4 << 20
    package static let piece = 256 << 10
}

package struct ContextQuestion<Query: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// Which of the builds asks.
    package var build: Int
    /// Empty: the build's own.
    package var context: String
    /// What the context has of this.
    package var list: Query?
    /// The contents of these files, each ended by a frame.
    package var fetch: [String]?

    package init(build: Int, context: String, list: Query? = nil, fetch: [String]? = nil) {
        self.build = build
        self.context = context
        self.list = list
        self.fetch = fetch
    }
}

/// Which output of which build comes next.
package struct BuildOutputHead: Codable, Hashable, Sendable {
    package var build: Int
    /// Its place among the outputs of the request.
    package var output: Int

    package init(build: Int, output: Int) {
        self.build = build
        self.output = output
    }
}

/// The answer to a list: what was found, or why nothing was.
package enum ContextAnswer<Match: Codable & Hashable & Sendable, Failure: Codable & Hashable & Sendable>: Codable,
    Hashable, Sendable
{
    case found([[Match]])
    case failed(Failure)
}

/// Something that the build cache holds.
package struct BuildCacheRow: Codable, Hashable, Sendable {
    package var id: String
    /// `run`, `copy`, `folder`, or `mount` for what a cache mount keeps.
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

/// What is taken from the build cache: all, or only what was not used for so many seconds, or what is beyond a size.
package struct BuildPruneRequest: Codable, Hashable, Sendable {
    package var unusedFor: Int64?
    package var keepBytes: Int64?
    /// Cache mounts, too.
    package var all: Bool

    package init(unusedFor: Int64? = nil, keepBytes: Int64? = nil, all: Bool = false) {
        self.unusedFor = unusedFor
        self.keepBytes = keepBytes
        self.all = all
    }
}
