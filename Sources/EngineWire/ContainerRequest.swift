import ProjectModel

/// `POST /v1/containers/create`: creates a container of no project. The answer is a stream of `ProgressEvent`;
/// `created` names the container.
package struct ContainerRequest: Codable, Hashable, Sendable {
    package var key: String
    /// nil lets the engine choose a name.
    package var name: String?
    /// Its networks and volumes have their full names.
    package var template: ContainerTemplate
    package var starts: Bool
    /// When started, it waits at its gate for its streams, like a one-off.
    package var isHeld: Bool
    package var pull: PullPolicy?
    package var logins: RegistryLogins?

    package init(
        key: String, name: String? = nil, template: ContainerTemplate, starts: Bool, isHeld: Bool = false,
        pull: PullPolicy? = nil
    ) {
        self.key = key
        self.name = name
        self.template = template
        self.starts = starts
        self.isHeld = isHeld
        self.pull = pull
    }
}

/// `GET /v1/containers/NAME/wait`: how a container ended; nil when unknown.
package struct ContainerEnd: Codable, Hashable, Sendable {
    package var code: Int?

    package init(code: Int?) { self.code = code }
}
