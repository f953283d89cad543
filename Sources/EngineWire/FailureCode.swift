extension EngineFailure {
    /// The kind of a failure: the same words in every release, for programs.
    package enum Code: String, Codable, CaseIterable, Hashable, Sendable {
        /// Something that the request names does not exist.
        case notFound = "not_found"
        /// It exists, but its state or name does not allow the request.
        case conflict
        /// The request is invalid.
        case invalid
        /// The request is valid, but this engine, this machine or this kernel does not support it.
        case unsupported
        /// The caller or the engine lacks the permission.
        case noRights = "no_rights"
        case noSpace = "no_space"
        case imageMissing = "image_missing"
        case portTaken = "port_taken"
        /// The body of a request is too large.
        case tooLong = "too_long"
        /// A wait exceeded its time limit.
        case timeout
        case cancelled
        /// A signal ended the command.
        case interrupted
        /// The process of a container could not be created or run.
        case launchFailed = "launch_failed"
        case hookFailed = "hook_failed"
        /// A dependency did not reach the required condition.
        case dependencyFailed = "dependency_failed"
        case notReady = "not_ready"
        /// A killed container does not end.
        case stuck
        /// A monitor refused a command.
        case refused
        case monitorLost = "monitor_lost"
        case monitorSilent = "monitor_silent"
        /// Another engine uses the same folder.
        case locked
        case alreadyRunning = "already_running"
        case startFailed = "start_failed"
        case notInstalled = "not_installed"
        /// No engine listens at the socket.
        case unreachable
        /// The engine ended during the request.
        case engineLost = "engine_lost"
        /// Command line and engine do not understand each other.
        case protocolViolated = "protocol"
        /// A command in a Dockerfile failed.
        case stepFailed = "step_failed"
        /// A file in a build's context cannot be read.
        case unreadable
        /// The downloaded content does not match its checksum.
        case digestMismatch = "digest_mismatch"
        /// The command line is wrong.
        case usage
        /// Anything else.
        case failed
        /// Only in simulations: an injected fault, and the end of the engine.
        case simulated, crashed

        /// Treats an unknown code from a newer engine as `failed`.
        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .failed
        }
    }
}
