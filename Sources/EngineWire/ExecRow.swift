/// A command in a container, from its making until a while after its end: `GET /v1/execs/ID`.
package struct ExecRow: Codable, Hashable, Sendable {
    package enum State: Codable, Hashable, Sendable {
        /// It was made, and nobody has started it.
        case created
        case running
        /// nil: nobody can tell how.
        case exited(code: Int?)
    }

    /// 64 hex digits.
    package var id: String
    /// The id of its container.
    package var container: String
    package var request: ExecRequest
    package var state: State
    /// Its process as the machine numbers it, while it runs.
    package var processID: Int?

    package init(id: String, container: String, request: ExecRequest, state: State) {
        self.id = id
        self.container = container
        self.request = request
        self.state = state
    }
}
