extension EngineFailure {
    /// What kind of failure it is: the same words in every release, for programs.
    package enum Code: String, Codable, CaseIterable, Hashable, Sendable {
        /// Something named is not there.
        case notFound = "not_found"
        /// It is there, in a state or with a name that does not allow what was asked for.
        case conflict
        /// What was asked for cannot mean anything.
        case invalid
        /// It means something that this engine, this machine or this kernel does not do.
        case unsupported
        /// The caller or the engine may not do it.
        case noRights = "no_rights"
        case noSpace = "no_space"
        case imageMissing = "image_missing"
        case portTaken = "port_taken"
        /// The body of a request has more bytes than are taken.
        case tooLong = "too_long"
        /// What was waited for did not come in the time that was given.
        case timeout
        case cancelled
        /// A signal ended the command.
        case interrupted
        /// The process of a container could not be made or run.
        case launchFailed = "launch_failed"
        case hookFailed = "hook_failed"
        /// A service that another one needs did not come to what that one waits for.
        case dependencyFailed = "dependency_failed"
        case notReady = "not_ready"
        /// A killed container does not end.
        case stuck
        /// A monitor did not carry out a command.
        case refused
        case monitorLost = "monitor_lost"
        case monitorSilent = "monitor_silent"
        /// Another engine works on the same folder.
        case locked
        case alreadyRunning = "already_running"
        case startFailed = "start_failed"
        case notInstalled = "not_installed"
        /// No engine listens where one should.
        case unreachable
        /// The engine ended while it was asked.
        case engineLost = "engine_lost"
        /// Command line and engine do not understand each other.
        case protocolViolated = "protocol"
        /// A command of a Dockerfile ended with an error.
        case stepFailed = "step_failed"
        /// A file of a build's context cannot be read.
        case unreadable
        /// What was fetched is not what its checksum says.
        case digestMismatch = "digest_mismatch"
        /// The words of a command line are wrong.
        case usage
        /// Anything else.
        case failed
        /// In simulations only: a fault that was asked for, and the end of the engine.
        case simulated, crashed

        /// A word that a newer engine has is a failure like any other.
        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .failed
        }
    }
}
