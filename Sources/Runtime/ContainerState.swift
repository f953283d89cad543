/// The state of a container, for `state` and for the standard input of hooks (runtime.md, "State").
package struct ContainerState: Codable, Hashable, Sendable {
    package enum Status: String, Codable, Hashable, Sendable { case creating, created, running, paused, stopped }

    package var ociVersion: String
    package var id: String
    package var status: Status
    /// 0 when it is stopped.
    package var pid: Int32
    package var bundle: String
    package var annotations: [String: String]?

    package init(
        id: String, status: Status, pid: Int32, bundle: String, annotations: [String: String]? = nil
    ) {
        ociVersion = "1.2.0"
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }
}
