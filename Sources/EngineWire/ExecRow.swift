/// A command in a container, from its creation until some time after its end: `GET /v1/execs/ID`.
package struct ExecRow: Codable, Hashable, Sendable {
    package enum State: Codable, Hashable, Sendable {
        /// Created, but not started.
        case created
        case running
        /// nil when the exit code is unknown.
        case exited(code: Int?)
    }

    /// 64 hex digits.
    package var id: String
    /// The id of its container.
    package var container: String
    package var request: ExecRequest
    package var state: State
    /// Its pid on the host, while it runs.
    package var processID: Int?

    package init(id: String, container: String, request: ExecRequest, state: State) {
        self.id = id
        self.container = container
        self.request = request
        self.state = state
    }
}
