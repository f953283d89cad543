import Dockerfile
import YAML

/// A step that changes the files of a stage, with all variables expanded: the same step on the same files has the same result.
package enum BuildStep: Codable, Hashable, Sendable {
    case run(RunStep)
    case copy(CopyStep)
    /// WORKDIR: a folder that belongs to the given user if it is new.
    case folder(path: String, user: String)
}

/// `RUN`.
package struct RunStep: Codable, Hashable, Sendable {
    package var arguments: [String]
    /// In order; the last one of a name counts.
    package var environment: [String]
    package var user: String
    package var folder: String
    /// A heredoc that is a program: its name and text.
    package var script: Script?
    package var mounts: [StepMount] = []
    /// `default`, `none` or `host`.
    package var network = "default"
    package var isInsecure = false
    /// nil for the usual one.
    package var hostname: String?

    package struct Script: Codable, Hashable, Sendable {
        package var name: String
        package var text: String
    }

    package init(arguments: [String], environment: [String], user: String, folder: String) {
        self.arguments = arguments
        self.environment = environment
        self.user = user
        self.folder = folder
    }
}

/// `RUN --mount`.
package struct StepMount: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable { case bind, cache, tmpfs, secret, ssh }
    package enum Sharing: String, Codable, Hashable, Sendable { case shared, `private`, locked }

    package var kind: Kind
    /// Absolute.
    package var target: String
    /// A stage, an image or a context; nil is the build's context.
    package var from: StepOrigin?
    /// A path in `from`.
    package var source = ""
    package var isReadOnly = false
    package var id = ""
    package var sharing = Sharing.shared
    package var isRequired = false
    package var size: Int64?
    package var mode: UInt32?
    package var uid: UInt32?
    package var gid: UInt32?
    package var variable: String?

    package init(kind: Kind, target: String) {
        self.kind = kind
        self.target = target
    }
}

/// Where a step takes files from.
package enum StepOrigin: Codable, Hashable, Sendable {
    case context(String)
    case stage(Int)
    case image(String)
    case scratch

    /// The build's own context.
    package static let main = StepOrigin.context("")
}

/// `COPY` and `ADD`.
package struct CopyStep: Codable, Hashable, Sendable {
    package struct Document: Codable, Hashable, Sendable {
        package var name: String
        package var text: String
    }

    package var isAdd: Bool
    package var query: SourceQuery
    package var documents: [Document] = []
    /// Of ADD.
    package var urls: [String] = []
    package var origin = StepOrigin.main
    /// Absolute; ends with a slash if it is written as a folder.
    package var destination: String
    package var owner: String?
    package var mode: String?
    package var isLinked = false
    package var checksum: String?
    package var unpacks: Bool?
    /// There are several sources, so the destination is a folder.
    package var hasSeveralSources: Bool

    package init(isAdd: Bool, query: SourceQuery, destination: String, hasSeveralSources: Bool) {
        self.isAdd = isAdd
        self.query = query
        self.destination = destination
        self.hasSeveralSources = hasSeveralSources
    }
}

/// One instruction of a planned stage.
package struct PlannedInstruction: Sendable {
    /// nil when it changes the configuration alone.
    package var step: BuildStep?
    /// Its line in the image's history.
    package var history: String
    /// As a person wrote it, on one line.
    package var title: String
    /// Where it stands; of a trigger of the base image the FROM that set it off.
    package var place: SourceRange
    /// The places of its sources, for mistakes in them.
    package var sources: [SourceRange] = []
    /// What the step sees that came from ARG or a build argument: for saying what was different.
    package var arguments: [String: String] = [:]
    /// The program of the stage's shell.
    package var shell = "/bin/sh"
    /// ARG values that do not count for the cache: those of proxies.
    package var hiddenEnvironment: [String] = []
}

extension PlannedInstruction {
    /// The stages that the step takes files from.
    var stages: [Int] {
        let origins: [StepOrigin?] =
            switch step {
            case .copy(let copy): [copy.origin]
            case .run(let run): run.mounts.map(\.from)
            case .folder, nil: []
            }
        return origins.compactMap { if case .stage(let index)? = $0 { index } else { nil } }
    }
}
