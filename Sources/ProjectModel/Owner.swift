/// Whom a container belongs to.
package enum Owner: Codable, Hashable, Sendable {
    /// One of the containers of a service, counted from 1.
    case replica(project: String, service: String, number: Int)
    /// Made by `run` for one command, with its service's template as a beginning.
    case oneOff(project: String, service: String, name: String)
    /// A container of its own: of no project and no service.
    case free(name: String)

    /// nil for a container of its own; likewise `service`.
    package var project: String? {
        switch self {
        case .replica(let project, _, _), .oneOff(let project, _, _): project
        case .free: nil
        }
    }

    package var service: String? {
        switch self {
        case .replica(_, let service, _), .oneOff(_, let service, _): service
        case .free: nil
        }
    }

    /// nil for all but replicas.
    package var number: Int? {
        guard case .replica(_, _, let number) = self else { return nil }
        return number
    }

    package var isOneOff: Bool {
        guard case .oneOff = self else { return false }
        return true
    }

    /// How errors name it: `service "web"`, `container "box"`.
    package var subject: String {
        switch self {
        case .replica(_, let service, _), .oneOff(_, let service, _): "service \"\(service)\""
        case .free(let name): "container \"\(name)\""
        }
    }
}
