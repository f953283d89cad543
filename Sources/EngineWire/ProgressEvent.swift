import ProjectModel

/// One line of an operation's answer (newline-delimited JSON).
package enum ProgressEvent: Codable, Hashable, Sendable {
    /// First line: the operation's id, for cancelling it.
    case started(operation: String)
    /// The plan, when it has actions or a dry run was asked for.
    case planned(PlanDescription)
    /// An object changed its state on the way.
    case object(ObjectProgress)
    /// `path` is the attribute of the file that it is about.
    case warning(String, hint: String? = nil, path: AttributePath? = nil)
    /// The one-off of a `run`: created, held, waiting for its streams. Comes before `finished`.
    case created(container: ContainerRow)
    /// Bytes of an image, or another long piece of work.
    case transfer(object: String, done: Int64, total: Int64?)
    /// The images that a load or an import brought.
    case images([ImageRow])
    /// Last line.
    case finished(OperationOutcome)
}

package struct ObjectProgress: Codable, Hashable, Sendable {
    package var kind: Kind
    /// The full name, `demo-web-1`.
    package var name: String
    /// A word docker compose prints as well: Creating, Created, Starting, Started, Running, Healthy, Removed, Error …
    package var status: String
    /// Nothing more is coming for this step.
    package var isDone: Bool
    package var isFailure: Bool
    /// Why, in a person's words: "image changed sha256:ab… → sha256:cd…".
    package var reason: String?
    /// The operation waits for it; sent again at every change, and every few seconds.
    package var wait: WaitProgress?

    package enum Kind: String, Codable, Hashable, Sendable {
        case network = "Network"
        case volume = "Volume"
        case container = "Container"
        case image = "Image"
    }

    package init(
        kind: Kind, name: String, status: String, isDone: Bool, isFailure: Bool = false, reason: String? = nil,
        wait: WaitProgress? = nil
    ) {
        self.kind = kind
        self.name = name
        self.status = status
        self.isDone = isDone
        self.isFailure = isFailure
        self.reason = reason
        self.wait = wait
    }
}

/// A plan as `berth plan` and `--dry-run` show it.
package struct PlanDescription: Codable, Hashable, Sendable {
    package struct Action: Codable, Hashable, Sendable {
        package var number: Int
        package var text: String
        package var after: [Int]
        package var reason: String
        /// Data would be lost: the object that a person must consent to.
        package var needsConsent: String?

        package init(number: Int, text: String, after: [Int], reason: String, needsConsent: String? = nil) {
            self.number = number
            self.text = text
            self.after = after
            self.reason = reason
            self.needsConsent = needsConsent
        }
    }

    package var actions: [Action]
    /// Why it would not be begun, and what a person should know before it is; nil from an engine that does not look ahead.
    package var errors: [EngineFailure]?
    package var warnings: [EngineFailure]?

    package init(actions: [Action]) { self.actions = actions }
}

package struct OperationOutcome: Codable, Hashable, Sendable {
    package enum Status: String, Codable, Hashable, Sendable {
        case succeeded, failed, cancelled
        /// Data would be lost: ask, then send again with `consent`.
        case needsConsent
    }

    package var status: Status
    /// One for each thing that failed, in plan order.
    package var errors: [EngineFailure]
    /// Objects that need consent.
    package var consent: [String]
    /// Actions that changed something.
    package var changes: Int

    package init(status: Status, errors: [EngineFailure] = [], consent: [String] = [], changes: Int = 0) {
        self.status = status
        self.errors = errors
        self.consent = consent
        self.changes = changes
    }
}

/// What a health check said that failed.
package struct HealthAnswer: Codable, Hashable, Sendable {
    /// What its command ended with; nil when it was killed for taking too long.
    package var code: Int?
    /// What it wrote, line by line: of much the beginning and the end.
    package var output: [String]

    package init(code: Int?, output: [String]) {
        self.code = code
        self.output = output
    }
}

/// A failure that a person can act on; also the body of every answer with a status of 400 or above.
package struct EngineFailure: Codable, Error, Hashable, Sendable, CustomStringConvertible {
    package var code: Code
    /// What failed, on which object.
    package var message: String
    /// What to do about it.
    package var hint: String?
    /// The last log lines of a container that failed.
    package var log: [String]
    /// The last answer of the health check of a container that is not healthy.
    package var probe: HealthAnswer?
    /// The attribute of the file that asks for what cannot be had.
    package var path: AttributePath?
    /// What the process ended with that the failure is about, as a shell tells it; of one that could not be run 126 or 127.
    package var exitCode: Int?

    package var description: String { message }

    package init(
        code: Code, message: String, hint: String? = nil, log: [String] = [], probe: HealthAnswer? = nil,
        path: AttributePath? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.log = log
        self.probe = probe
        self.path = path
    }
}
