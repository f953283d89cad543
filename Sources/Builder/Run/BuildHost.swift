import Dockerfile
import EngineWire
import Images
import OCI

/// Gets what a step writes, and whether it wrote it to its standard error.
package typealias StepOutput = @Sendable (_ bytes: [UInt8], _ isError: Bool) -> Void

/// What a build needs of the machine; the engine gives it.
package protocol BuildHost: Sendable {
    /// The image that `reference` names, fetched when it is not here or `pull` asks for it.
    func image(_ reference: String, platform: String?, pull: Bool) async throws -> Image
    /// Runs a step's program to its end in a container on the folders of `room`; `output` gets what it writes.
    func run(_ step: RunStep, in room: StepRoom, output: @escaping StepOutput) async throws -> StepEnd
    /// Runs a shell in the room of a step that failed, on the client's terminal, until it ends. `note` says why the step failed.
    func openShell(_ step: RunStep, in room: StepRoom, because note: BuildNote) async throws
    /// Fetches `url` into the file at `path`.
    func download(_ url: String, to path: String) async throws -> Download
    /// An emulator runs programs of this platform, which is not this machine's.
    func emulates(_ platform: Platform) async -> Bool
    /// The cache that a registry has under `reference`: a cache, or an image with one inside.
    func cache(_ reference: String, platform: String?) async throws -> OutsideCache
    /// Fetches a blob of the repository of `reference` into the image store.
    func fetch(_ blob: Descriptor, of reference: String) async throws
    /// Sends results of steps to a registry.
    func push(_ cache: StepCache, to reference: String, in lease: BuildLease) async throws
    /// Nanoseconds since 1970.
    func now() -> Int64
}

/// How the program of a step ended.
package struct StepEnd: Hashable, Sendable {
    /// As a shell reports it.
    package var code: Int
    /// The kernel killed one of its processes because of memory.
    package var isOutOfMemory = false
    /// It could not start a process, because it had as many as it may have.
    package var isOutOfProcesses = false
    /// The largest number of processes at once; nil without a limit.
    package var processLimit: Int64?

    package init(code: Int, isOutOfMemory: Bool = false, isOutOfProcesses: Bool = false, processLimit: Int64? = nil) {
        self.code = code
        self.isOutOfMemory = isOutOfMemory
        self.isOutOfProcesses = isOutOfProcesses
        self.processLimit = processLimit
    }
}

/// A fetched URL.
package struct Download: Sendable {
    /// Nanoseconds since 1970; nil where the server does not tell.
    package var modified: Int64?

    package init(modified: Int64?) { self.modified = modified }
}

/// The folders and files that a RUN has around it.
package struct StepRoom: Sendable {
    /// Letters and digits; names its container.
    package var id: String
    /// Top first.
    package var lower: [String]
    /// The folder for its changes.
    package var upper: String
    package var work: String
    package var mounts: [RoomMount]
    package var environment: [String]
    package var request: BuildRequest
    /// The program talks to a terminal.
    package var hasTerminal = false
}

/// Something that is mounted for a step.
package struct RoomMount: Sendable {
    package enum Source: Sendable {
        /// A folder or file of the machine.
        case bind(String)
        /// Folders of layers, top first, read-only.
        case layers([String])
        case tmpfs(size: Int64?)
        /// A file with this content, owner and mode.
        case secret([UInt8], user: UInt32, group: UInt32, mode: UInt32)
        /// A socket with this owner and mode that leads to the agent at `path`.
        case agent(path: String, user: UInt32, group: UInt32, mode: UInt32)
    }

    package var source: Source
    package var target: String
    package var isReadOnly: Bool
}

/// The contexts of a build, which its client reads, and its outputs, which the client writes. Calls sleep: run them on a `BlockingPool`.
package protocol ContextSource: Sendable {
    /// - Throws: `SourceFailure`.
    func list(_ query: SourceQuery, in context: String) throws -> [[SourceMatch]]
    /// Hands out the contents of `paths`, one after the other: `next` gives a piece, and nil at the end of the file.
    func fetch(_ paths: [String], in context: String, _ take: (Int, _ next: () throws -> [UInt8]?) throws -> Void)
        throws
    /// Gives the client the output at this place of the request: `write` hands it over piece by piece.
    func deliver(
        _ output: Int, _ write: (_ piece: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws
}

/// Why a build failed, for people.
package struct BuildFailure: Error, Sendable, CustomStringConvertible {
    package var notes: [BuildNote]
    package var description: String { notes.map(\.message).joined(separator: "\n") }

    package init(_ notes: [BuildNote]) { self.notes = notes }
}
