/// The owner of a container.
package enum Owner: Codable, Hashable, Sendable {
    /// A replica of a service; numbers start at 1.
    case replica(project: String, service: String, number: Int)
    /// Created by `run` for one command, based on its service's template.
    case oneOff(project: String, service: String, name: String)
    /// A container of no project and no service.
    case free(name: String)

    /// nil for a container of no project; the same for `service`.
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

    /// nil unless it is a replica.
    package var number: Int? {
        guard case .replica(_, _, let number) = self else { return nil }
        return number
    }

    package var isOneOff: Bool {
        guard case .oneOff = self else { return false }
        return true
    }

    /// Its name in errors: `service "web"`, `container "box"`.
    package var subject: String {
        switch self {
        case .replica(_, let service, _), .oneOff(_, let service, _): "service \"\(service)\""
        case .free(let name): "container \"\(name)\""
        }
    }
}
