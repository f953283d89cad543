import ProjectModel

/// One line in an operation's answer (newline-delimited JSON).
package enum ProgressEvent: Codable, Hashable, Sendable {
    /// The first line: the operation's id, for cancelling it.
    case started(operation: String)
    /// The plan, if it has actions or for a dry run.
    case planned(PlanDescription)
    /// An object changed its state.
    case object(ObjectProgress)
    /// `path` is the attribute in the file that it is about.
    case warning(String, hint: String? = nil, path: AttributePath? = nil)
    /// The one-off of a `run`: created, and waiting for its streams. Comes before `finished`.
    case created(container: ContainerRow)
    /// Bytes of an image, or of another long transfer.
    case transfer(object: String, done: Int64, total: Int64?)
    /// The images from a load or an import.
    case images([ImageRow])
    /// The last line.
    case finished(OperationOutcome)
}

package struct ObjectProgress: Codable, Hashable, Sendable {
    package var kind: Kind
    /// The full name, `demo-web-1`.
    package var name: String
    /// A word that docker compose prints too: Creating, Created, Starting, Started, Running, Healthy, Removed, Error …
    package var status: String
    /// This step sends nothing more.
    package var isDone: Bool
    package var isFailure: Bool
    /// The reason, as a text for a person: "image changed sha256:ab… → sha256:cd…".
    package var reason: String?
    /// Set while the operation waits for it; sent again at every change, and every few seconds.
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

/// A plan for `berth plan` and `--dry-run`.
package struct PlanDescription: Codable, Hashable, Sendable {
    package struct Action: Codable, Hashable, Sendable {
        package var number: Int
        package var text: String
        package var after: [Int]
        package var reason: String
        /// Data would be lost: the object that needs a person's consent.
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
    /// Why it could not begin, and warnings about it; nil from an older engine.
    package var errors: [EngineFailure]?
    package var warnings: [EngineFailure]?

    package init(actions: [Action]) { self.actions = actions }
}

package struct OperationOutcome: Codable, Hashable, Sendable {
    package enum Status: String, Codable, Hashable, Sendable {
        case succeeded, failed, cancelled
        /// Data would be lost: ask the person, then send the request again with `consent`.
        case needsConsent
    }

    package var status: Status
    /// One for each failure, in plan order.
    package var errors: [EngineFailure]
    /// Objects that need consent.
    package var consent: [String]
    /// The number of actions that changed something.
    package var changes: Int

    package init(status: Status, errors: [EngineFailure] = [], consent: [String] = [], changes: Int = 0) {
        self.status = status
        self.errors = errors
        self.consent = consent
        self.changes = changes
    }
}

/// The output of a failed health check.
package struct HealthAnswer: Codable, Hashable, Sendable {
    /// The exit code of its command; nil when it was killed because of its timeout.
    package var code: Int?
    /// Its output in lines; of long output, the beginning and the end.
    package var output: [String]

    package init(code: Int?, output: [String]) {
        self.code = code
        self.output = output
    }
}

/// A failure, with everything that a person needs to act on it; also the body of every answer with a status of 400 or
/// above.
package struct EngineFailure: Codable, Error, Hashable, Sendable, CustomStringConvertible {
    package var code: Code
    /// What failed, on which object.
    package var message: String
    /// What to do about it.
    package var hint: String?
    /// The last log lines of a container that failed.
    package var log: [String]
    /// The last output of the health check of a container that is not healthy.
    package var probe: HealthAnswer?
    /// The attribute in the file that caused it.
    package var path: AttributePath?
    /// The exit code of the process that it is about, as in a shell; 126 or 127 for one that could not start.
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
