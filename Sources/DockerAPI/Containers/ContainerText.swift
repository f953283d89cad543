import Engine
import EngineWire
import JSON
import Monitor
import OCI
import ProjectModel
import Reconcile

/// dockerd's words for the state of a container.
enum ContainerText {
    /// `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`.
    static func status(_ snapshot: ContainerSnapshot, now: Int64) -> String {
        let life = snapshot.record.life
        let up = duration(now - (life.startedAt ?? now))
        switch life.phase {
        case .running:
            switch snapshot.health?.status {
            case "starting"?: return "Up \(up) (health: starting)"
            case let status? where !status.isEmpty: return "Up \(up) (\(status))"
            default: return "Up \(up)"
            }
        case .paused: return "Up \(up) (Paused)"
        case .restarting:
            return "Restarting (\(life.exit?.code ?? 0)) \(duration(now - (life.finishedAt ?? now))) ago"
        case .exited:
            guard let ended = life.finishedAt else { return "Created" }
            return "Exited (\(life.exit?.code ?? 0)) \(duration(now - ended)) ago"
        case .removing: return "Removal In Progress"
        case .created, .creating: return "Created"
        }
    }

    /// A duration in nanoseconds, in the words of the docker command.
    static func duration(_ nanoseconds: Int64) -> String {
        let seconds = max(0, nanoseconds / 1_000_000_000)
        let minutes = seconds / 60
        let hours = Int64((Double(seconds) / 3600).rounded())
        switch seconds {
        case 0: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case ..<120: return "About a minute"
        case ..<3600: return "\(minutes) minutes"
        default: break
        }
        switch hours {
        case 1: return "About an hour"
        case ..<48: return "\(hours) hours"
        case ..<(24 * 7 * 2): return "\(hours / 24) days"
        case ..<(24 * 30 * 2): return "\(hours / 24 / 7) weeks"
        case ..<(24 * 365 * 2): return "\(hours / 24 / 30) months"
        default: return "\(hours / 24 / 365) years"
        }
    }

    static func restartPolicy(_ policy: RestartPolicy) -> JSONValue {
        switch policy {
        case .no: .members(["Name": "no", "MaximumRetryCount": 0])
        case .always: .members(["Name": "always", "MaximumRetryCount": 0])
        case .unlessStopped: .members(["Name": "unless-stopped", "MaximumRetryCount": 0])
        case .onFailure(let retries): .members(["Name": "on-failure", "MaximumRetryCount": retries ?? 0])
        }
    }

    /// The name of the image as the client gave it.
    static func image(_ record: ContainerRecord) -> String { record.template.image ?? record.imageID }

    static func networkMode(_ record: ContainerRecord) -> String {
        switch record.template.networkMode {
        case NetworkMode.none?: "none"
        case .host?: "host"
        case .service?, .container?: record.joined["network"].map { "container:\($0)" } ?? "none"
        case nil: record.endpoints.first?.network ?? record.template.networks.first?.network ?? "bridge"
        }
    }
}

extension ContainerSnapshot {
    /// `created`, `running` …
    var state: String { record.life.phase.shown.rawValue }

    /// The exit code of its last run.
    var exitCode: Int {
        if let code = record.life.exit?.code { return code }
        // For a container that could not start, use the code that a shell would give.
        guard record.life.phase == .created, case .notStarted(_, let code) = record.life.reason else { return 0 }
        return code
    }

    /// Why it could not start; nil if it did.
    var startFailure: String? { record.life.phase == .created ? record.reasonText : nil }

    var isUp: Bool { record.isUp }
}
