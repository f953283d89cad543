import ProjectModel

/// What a waiter waits for, and what one loop keeps in its desired state.
package enum Subject: Hashable, Sendable {
    /// All containers of a project.
    case project(String)
    /// One container, by its id. A loop has this subject only for a container of no project.
    case container(String)
}

extension ContainerRecord {
    /// What looks after it: its project, or the container itself.
    var group: Subject { owner.project.map { .project($0) } ?? .container(id) }
}
