import ProjectModel

/// `GET /v1/projects/NAME/logs?…`: selects log lines; the answer is a stream of `LogLine` (newline-delimited JSON).
package struct LogRequest: Codable, Hashable, Sendable {
    /// Empty means every service.
    package var services: [String]
    package var index: Int?
    package var follow: Bool
    /// The number of lines of each container; nil means all.
    package var tail: Int?
    /// Seconds since 1970.
    package var since: Double?
    package var until: Double?
    /// Include containers of services that are not in the file, and one-offs.
    package var includeAll: Bool
    /// Only the ends of containers, without their output; nil means false.
    package var onlyEnds: Bool?
    /// The containers are being started: ignore ends before `since`.
    package var expectsStart: Bool

    package init(
        services: [String] = [], index: Int? = nil, follow: Bool = false, tail: Int? = nil, since: Double? = nil,
        until: Double? = nil, includeAll: Bool = false, onlyEnds: Bool? = nil,
        expectsStart: Bool = false
    ) {
        self.services = services
        self.index = index
        self.follow = follow
        self.tail = tail
        self.since = since
        self.until = until
        self.includeAll = includeAll
        self.onlyEnds = onlyEnds
        self.expectsStart = expectsStart
    }
}

/// A piece of a container's output, or its end.
package struct LogLine: Codable, Hashable, Sendable {
    /// The container's full name, and its short one (`web-1`, or its own `container_name`).
    package var container: String
    package var label: String
    package var event: Event
    /// Nanoseconds since 1970.
    package var time: Int64

    package enum Event: Codable, Hashable, Sendable {
        /// Text without its newline, with invalid UTF-8 replaced; `isPartial`: the next piece continues the line.
        case text(String, isError: Bool, isPartial: Bool)
        case exited(code: Int, willRestart: Bool, cause: EndCause? = nil)
        /// The number of lost lines: the disk was full, or the reader too slow.
        case lost(Int)
    }

    package init(container: String, label: String, event: Event, time: Int64) {
        self.container = container
        self.label = label
        self.event = event
        self.time = time
    }
}

/// Why a container's process was killed, if the exit code alone does not show it.
package enum EndCause: Codable, Hashable, Sendable {
    /// The kernel had no more memory for the container. `limit` is the container's own in bytes; nil: the machine had
    /// none left.
    case outOfMemory(limit: Int64?)
    /// It was still running at the end of the grace period, in seconds, after its stop signal.
    case graceOver(seconds: Double)
    /// Its first process neither handles the stop signal nor ends because of it, so there was no point in waiting.
    case deaf(signal: String)
    /// A shell that does not handle the stop signal was still running after its programs, which got the signal instead,
    /// had ended.
    case shell(signal: String)
    /// Its stop signal could not be sent.
    case notSent(signal: String, reason: String)
}

/// `POST /v1/containers/ID/exec` with `Upgrade: berth-stream`; then `StreamFrame`s in both directions, unless detached.
package struct ExecRequest: Codable, Hashable, Sendable {
    package var command: [String]
    package var environment: [String: String]
    package var user: String?
    package var workingDirectory: String?
    package var tty: Bool
    package var privileged: Bool
    package var stdin: Bool
    package var detach: Bool
    package var rows: UInt16?
    package var columns: UInt16?

    /// The detach keys in the form of the Docker API; nil means the standard keys.
    package var detachKeys: String?
    /// Streams that the caller does not want; nil means all are shown.
    package var showsOutput: Bool?
    package var showsErrors: Bool?

    package init(
        command: [String], environment: [String: String] = [:], user: String? = nil, workingDirectory: String? = nil,
        tty: Bool = false, privileged: Bool = false, stdin: Bool = true, detach: Bool = false, rows: UInt16? = nil,
        columns: UInt16? = nil
    ) {
        self.command = command
        self.environment = environment
        self.user = user
        self.workingDirectory = workingDirectory
        self.tty = tty
        self.privileged = privileged
        self.stdin = stdin
        self.detach = detach
        self.rows = rows
        self.columns = columns
    }
}

/// `POST /v1/projects/NAME/run`: starts dependencies as `up` does, then creates a one-off and holds it.
///
/// The answer is a stream of `ProgressEvent`. After `finished`, the one-off named in `created` waits for its streams:
/// `POST /v1/containers/ID/attach` (`Upgrade: berth-stream`) lets it start, or `POST /v1/containers/ID/release` when
/// detached.
package struct RunRequest: Codable, Hashable, Sendable {
    package var key: String
    package var project: Project
    /// The service with the command's overrides applied (`-e`, `-v`, `-p`, `--entrypoint` …).
    package var service: Service
    /// The one-off's full name, if the user chose one.
    package var name: String?
    package var remove: Bool
    package var dependencies: Bool
    package var useAliases: Bool
    package var pull: PullPolicy?
    /// For pulling images.
    package var logins: RegistryLogins?
    /// No warning about containers whose services are not in the file.
    package var ignoreOrphans: Bool?
    /// Remove them first. nil is false.
    package var removeOrphans: Bool?
    /// The maximum number of steps at a time; nil means as many as possible.
    package var parallelism: Int?

    package init(
        key: String, project: Project, service: Service, name: String? = nil, remove: Bool = false,
        dependencies: Bool = true, useAliases: Bool = false, pull: PullPolicy? = nil
    ) {
        self.key = key
        self.project = project
        self.service = service
        self.name = name
        self.remove = remove
        self.dependencies = dependencies
        self.useAliases = useAliases
        self.pull = pull
    }
}
