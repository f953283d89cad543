/// Something that became of a container, or was done to it: what `explain` shows of its past.
package struct Occurrence: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Hashable, Sendable {
        case created
        /// Made in place of an older one.
        case replaced
        case started
        /// The process could not be made or run.
        case startFailed = "start_failed"
        case stopping
        /// A person sent a signal.
        case signalled
        case ended
        case paused, unpaused
        /// It goes on with other settings, or on other networks.
        case changed
        case health
        case removed
        /// Something else that was to be done to it failed.
        case failed
    }

    /// Seconds since 1970, UTC.
    package var at: Double
    package var kind: Kind
    /// The container's id: one place has several, one after the other.
    package var container: String?
    /// Who did it: a verb, or one of `Occurrence.healing` and `Occurrence.restartPolicy`; nil for what happened by itself.
    package var by: String?
    /// In a person's words; names fields and variables, and never the value of one.
    package var reason: String?
    /// Of what was made: the reference, and the id that it meant.
    package var image: String?
    package var imageID: String?
    /// Of an end: its code as a shell tells it, the signal that ended the process, why it was killed, how long it ran in seconds, and in
    /// how many seconds its policy starts it again.
    package var exitCode: Int?
    package var signal: String?
    package var cause: EndCause?
    package var ran: Double?
    package var restartsIn: Double?
    /// Of a check of its health: what it is now, and the answer that led to that.
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

/// Why a container is as it is: `GET /v1/projects/NAME/services/SERVICE/explanation`, one for each replica, and
/// `GET /v1/containers/ID/explanation`.
package struct Explanation: Codable, Hashable, Sendable {
    /// Its name, or that which it would have.
    package var name: String
    /// nil when there is none now.
    package var container: ContainerRow?
    /// What is wanted of it: `running`, `stopped` …; nil when nobody wants anything.
    package var wanted: String?
    package var waits: [Wait]
    package var restarts: Int
    package var health: Health?
    /// Oldest first.
    package var history: [Occurrence]

    /// What has to happen before it goes on.
    package struct Wait: Codable, Hashable, Sendable {
        package enum Kind: String, Codable, Hashable, Sendable {
            /// The pause before its policy starts it again; `at` says when it is over.
            case restart
            /// A service that it depends on has not come to `condition`.
            case dependency
            /// Its health check has not succeeded yet.
            case health
            /// It is paused.
            case unpause
            /// It is down, and only a verb starts it.
            case start
        }

        package var kind: Kind
        package var at: Double?
        package var service: String?
        package var condition: String?
        /// How it stands with that, in a person's words.
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

    /// What its health check has found since its start.
    package struct Health: Codable, Hashable, Sendable {
        package var status: ContainerRow.Health
        /// Failures since the last success.
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
    /// Its word on the command line.
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
