import ProjectModel

/// What changes are waited for, and what one loop keeps as it is wanted.
package enum Subject: Hashable, Sendable {
    /// All containers of a project.
    case project(String)
    /// One container, by its id; for a loop one that is of no project.
    case container(String)
}

extension ContainerRecord {
    /// What it is looked after with: its project, or itself.
    var group: Subject { owner.project.map { .project($0) } ?? .container(id) }
}
