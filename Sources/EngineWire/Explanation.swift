/// An event in a container's history, for `explain`.
package struct Occurrence: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Hashable, Sendable {
        case created
        /// Created to replace an older one.
        case replaced
        case started
        /// The process could not be created or run.
        case startFailed = "start_failed"
        case stopping
        /// A person sent a signal.
        case signalled
        case ended
        case paused, unpaused
        /// It continues with other settings, or on other networks.
        case changed
        case health
        case removed
        /// Another change to it failed.
        case failed
        /// An image came from a registry, or could not be had from there: these belong to a service, not to one container.
        case pulled
        case pullFailed = "pull_failed"
    }

    /// Seconds since 1970, UTC.
    package var at: Double
    package var kind: Kind
    /// The container's id: one place has several containers, one after the other.
    package var container: String?
    /// The cause: a verb, or `Occurrence.healing` or `Occurrence.restartPolicy`; nil for an event without one.
    package var by: String?
    /// A text for a person; names fields and variables, but never their values.
    package var reason: String?
    /// For a created container: the image reference, and the image id.
    package var image: String?
    package var imageID: String?
    /// For a pull: the digest that the registry has for the image.
    package var digest: String?
    /// For an end: the exit code as in a shell, the signal that ended the process, why it was killed, how many seconds
    /// it ran, and after how many seconds its policy restarts it.
    package var exitCode: Int?
    package var signal: String?
    package var cause: EndCause?
    package var ran: Double?
    package var restartsIn: Double?
    /// For a health check: the new state, and the output that led to it.
    package var health: ContainerRow.Health?
    package var answer: HealthAnswer?

    package static let healing = "healing"
    package static let restartPolicy = "restart policy"

    package init(at: Double, kind: Kind, container: String? = nil, by: String? = nil, reason: String? = nil) {
        self.at = at
        self.kind = kind
        self.container = container
        self.by = by
        self.reason = reason
    }
}

/// Why a container is in its state: `GET /v1/projects/NAME/services/SERVICE/explanation`, one for each replica, and
/// `GET /v1/containers/ID/explanation`.
package struct Explanation: Codable, Hashable, Sendable {
    /// Its name, or the name that it would have.
    package var name: String
    /// nil when there is no container now.
    package var container: ContainerRow?
    /// The desired state: `running`, `stopped` …; nil when there is none.
    package var wanted: String?
    package var waits: [Wait]
    package var restarts: Int
    package var health: Health?
    /// Oldest first.
    package var history: [Occurrence]

    /// What must happen before it continues.
    package struct Wait: Codable, Hashable, Sendable {
        package enum Kind: String, Codable, Hashable, Sendable {
            /// The pause before its restart; `at` is the end of the pause.
            case restart
            /// A dependency does not meet `condition` yet.
            case dependency
            /// Its health check has not succeeded yet.
            case health
            /// It is paused.
            case unpause
            /// It is down, and only a verb can start it.
            case start
        }

        package var kind: Kind
        package var at: Double?
        package var service: String?
        package var condition: String?
        /// The current state of this, as a text for a person.
        package var state: String?

        package init(
            _ kind: Kind, at: Double? = nil, service: String? = nil, condition: String? = nil, state: String? = nil
        ) {
            self.kind = kind
            self.at = at
            self.service = service
            self.condition = condition
            self.state = state
        }
    }

    /// Results of its health check since its start.
    package struct Health: Codable, Hashable, Sendable {
        package var status: ContainerRow.Health
        /// Consecutive failures.
        package var failures: Int
        package var probes: [Probe]

        package struct Probe: Codable, Hashable, Sendable {
            /// Seconds since 1970, UTC.
            package var began: Double
            package var ended: Double
            package var answer: HealthAnswer

            package init(began: Double, ended: Double, answer: HealthAnswer) {
                self.began = began
                self.ended = ended
                self.answer = answer
            }
        }

        package init(status: ContainerRow.Health, failures: Int, probes: [Probe]) {
            self.status = status
            self.failures = failures
            self.probes = probes
        }
    }

    package init(
        name: String, container: ContainerRow?, wanted: String?, waits: [Wait], restarts: Int, health: Health?,
        history: [Occurrence]
    ) {
        self.name = name
        self.container = container
        self.wanted = wanted
        self.waits = waits
        self.restarts = restarts
        self.health = health
        self.history = history
    }
}

extension Verb {
    /// The cause in the words of the command line.
    package var word: String {
        switch self {
        case .up: "up"
        case .create: "create"
        case .down: "down"
        case .start: "start"
        case .stop: "stop"
        case .restart: "restart"
        case .kill: "kill"
        case .pause: "pause"
        case .unpause: "unpause"
        case .remove: "rm"
        case .scale: "scale"
        case .rollback: "rollback"
        case .pull: "pull"
        }
    }
}
