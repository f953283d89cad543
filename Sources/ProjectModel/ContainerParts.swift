/// What happens when a container's process ends by itself.
package enum RestartPolicy: Codable, Hashable, Sendable {
    case no, always, unlessStopped
    /// After a non-zero exit, at most `maximumRetries` times in a row; nil means without limit.
    case onFailure(maximumRetries: Int?)
}

/// `healthcheck`. For a nil value the image's applies, then 30 s, 30 s, 0 s, 5 s and 3 retries.
package struct Healthcheck: Codable, Hashable, Sendable {
    /// `["CMD", …]`, `["CMD-SHELL", line]` or `["NONE"]`; nil means the image's.
    package var test: [String]?
    package var interval: Duration?
    package var timeout: Duration?
    package var startPeriod: Duration?
    package var startInterval: Duration?
    package var retries: Int?

    enum CodingKeys: String, CodingKey {
        case test, interval, timeout, retries
        case startPeriod = "start_period"
        case startInterval = "start_interval"
    }

    package init(test: [String]? = nil) { self.test = test }
}

package struct Logging: Codable, Hashable, Sendable {
    package var driver: String?
    package var options: [String: String]

    package init(driver: String? = nil, options: [String: String] = [:]) {
        self.driver = driver
        self.options = options
    }
}

/// A lifecycle hook: a command run in the container.
package struct Hook: Codable, Hashable, Sendable {
    package var command: [String]
    package var user: String?
    package var privileged: Bool = false
    package var workingDir: String?
    package var environment: [String: String] = [:]

    enum CodingKeys: String, CodingKey {
        case command, user, privileged, environment
        case workingDir = "working_dir"
    }

    package init(command: [String]) { self.command = command }
}

/// `ulimits.*`; -1 means unlimited.
package struct Ulimit: Codable, Hashable, Sendable {
    package var soft: Int64
    package var hard: Int64

    package init(soft: Int64, hard: Int64) {
        self.soft = soft
        self.hard = hard
    }
}

package struct DeviceMapping: Codable, Hashable, Sendable {
    package var source: String
    package var target: String
    /// Any of `r`, `w`, `m`.
    package var permissions: String

    package init(source: String, target: String, permissions: String = "rwm") {
        self.source = source
        self.target = target
        self.permissions = permissions
    }
}
