import YAML

/// One instruction of a Dockerfile, checked as far as possible without building.
package struct Instruction: Sendable {
    package enum Keyword: String, CaseIterable, Sendable {
        case add = "ADD"
        case arg = "ARG"
        case cmd = "CMD"
        case copy = "COPY"
        case entrypoint = "ENTRYPOINT"
        case env = "ENV"
        case expose = "EXPOSE"
        case from = "FROM"
        case healthcheck = "HEALTHCHECK"
        case label = "LABEL"
        case maintainer = "MAINTAINER"
        case onbuild = "ONBUILD"
        case run = "RUN"
        case shell = "SHELL"
        case stopsignal = "STOPSIGNAL"
        case user = "USER"
        case volume = "VOLUME"
        case workdir = "WORKDIR"
    }

    /// The instruction itself. Variables in its words are not expanded yet.
    package indirect enum Operation: Sendable {
        case from(Base)
        case arg([Argument])
        case env([Assignment])
        case label([Assignment])
        case run(Run)
        case copy(Copy)
        case add(Copy)
        case cmd(CommandLine)
        case entrypoint(CommandLine)
        case healthcheck(HealthCheck)
        case shell([String])
        case workdir(PlacedText)
        case user(PlacedText)
        case volume([PlacedText])
        case expose([PlacedText])
        case stopSignal(PlacedText)
        case maintainer(String)
        /// The instruction that runs when another image is built on this one, as text and parsed.
        case onBuild(text: String, Instruction)
    }

    package var keyword: Keyword
    /// The keyword as it is written.
    package var written: PlacedText
    /// All of it as one line, without heredocs.
    package var text: PlacedText
    package var lines: ClosedRange<Int>
    package var comments: [PlacedText]
    package var operation: Operation
}

/// `FROM image AS name`.
package struct Base: Sendable {
    /// An image, a stage or `scratch`.
    package var image: PlacedText
    /// In lower case; nil for a stage without a name.
    package var name: PlacedText?
    package var platform: PlacedText?
}

/// `ARG name` or `ARG name=default`.
package struct Argument: Sendable {
    package var name: PlacedText
    package var value: PlacedText?
}

/// `name=value` of ENV and LABEL.
package struct Assignment: Sendable {
    package var name: PlacedText
    package var value: PlacedText
    /// Written as `ENV name value`.
    package var isLegacy: Bool
}

/// The arguments of CMD, ENTRYPOINT and RUN.
package enum CommandLine: Hashable, Sendable {
    /// A JSON list: run as it is.
    case exec([String])
    /// Text for the stage's shell. `looksLikeList` where it begins with a bracket and is no JSON list.
    case shell(String, looksLikeList: Bool)
}

/// `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD …`.
package enum HealthCheck: Hashable, Sendable {
    case none
    case check(CommandLine, Timing)

    /// nil: the default of the engine that runs the image.
    package struct Timing: Hashable, Sendable {
        package var interval: Duration?
        package var timeout: Duration?
        package var startPeriod: Duration?
        package var startInterval: Duration?
        package var retries: Int?
    }
}

/// `RUN`.
package struct Run: Sendable {
    package enum Network: String, CaseIterable, Sendable { case `default`, none, host }
    package enum Security: String, CaseIterable, Sendable { case sandbox, insecure }

    package var command: CommandLine
    package var documents: [Heredoc]
    package var mounts: [MountFlag]
    package var network: Network
    package var security: Security
    /// Devices by CDI name.
    package var devices: [PlacedText]
}

/// `COPY` and `ADD`.
package struct Copy: Sendable {
    package enum Source: Sendable {
        case path(PlacedText)
        /// A heredoc; its name is the name of the file.
        case document(Heredoc)
    }

    package var sources: [Source]
    package var destination: PlacedText
    /// A stage, its number, an image or a named context; COPY only.
    package var from: PlacedText?
    package var owner: PlacedText?
    package var mode: PlacedText?
    package var isLinked = false
    package var keepsParents = false
    package var excluded: [PlacedText] = []
    /// ADD only.
    package var checksum: PlacedText?
    package var keepsGitFolder: Bool?
    package var unpacks: Bool?
}
