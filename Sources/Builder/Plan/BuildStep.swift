import Dockerfile
import YAML

/// What changes the file system of a stage, with every variable in it expanded: the same step on the same files has the same result.
package enum BuildStep: Codable, Hashable, Sendable {
    case run(RunStep)
    case copy(CopyStep)
    /// A folder that is there from now on, of the given user.
    case folder(path: String, user: String)
}

/// `RUN`.
package struct RunStep: Codable, Hashable, Sendable {
    package var arguments: [String]
    /// In order; the last one of a name counts.
    package var environment: [String]
    package var user: String
    package var folder: String
    /// A document that is the program itself: its name and text.
    package var script: Script?
    package var mounts: [StepMount] = []
    /// `default`, `none` or `host`.
    package var network = "default"
    package var isInsecure = false

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
    /// In that.
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
    /// Absolute; ends with a slash when it is a folder by the way it is written.
    package var destination: String
    package var owner: String?
    package var mode: String?
    package var isLinked = false
    package var checksum: String?
    package var unpacks: Bool?
    /// Several things are copied, so that the destination is a folder.
    package var hasSeveralSources: Bool

    package init(isAdd: Bool, query: SourceQuery, destination: String, hasSeveralSources: Bool) {
        self.isAdd = isAdd
        self.query = query
        self.destination = destination
        self.hasSeveralSources = hasSeveralSources
    }
}

/// One instruction of a stage on its way to be built.
package struct PlannedInstruction: Sendable {
    /// nil when it changes the configuration alone.
    package var step: BuildStep?
    /// As the image's history tells it.
    package var history: String
    /// As a person wrote it, on one line.
    package var title: String
    /// Where it stands; of a trigger of the base image the FROM that set it off.
    package var place: SourceRange
    /// The words of its sources, for what is wrong with one of them.
    package var sources: [SourceRange] = []
    /// What the step sees that came from ARG or a build argument: for saying what was different.
    package var arguments: [String: String] = [:]
    /// ARG values that are no part of the step's identity: the predefined ones of proxies.
    package var hiddenEnvironment: [String] = []
}
