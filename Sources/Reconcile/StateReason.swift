import OCI
import ProjectModel

/// Why a container is in its state; stored with its record. Code decides by the case; only `description` has the words.
package enum StateReason: Hashable, Sendable {
    /// berth stopped it. Here and below, a nil `code` means that the code is unknown.
    case stopped(code: Int?)
    /// It waited for its next start, and berth stopped it.
    case stoppedBeforeRestart
    /// It ended after a signal that a person sent it.
    case signalled(Int32, code: Int?)
    case endedByItself(code: Int?, policy: RestartPolicy)
    /// Its restart policy does not allow more restarts.
    case gaveUp(restarts: Int, code: Int?, policy: RestartPolicy)
    /// It was created for one command.
    case commandEnded
    case pausedByOthers
    case monitorLost
    case machineRestarted
    /// It never had a process.
    case neverRan
    /// It could not be started: the failure's message, and the exit code that a shell would give.
    case notStarted(String, code: Int)
    /// A reason as an earlier release stored it.
    case told(String)
}

extension StateReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .stopped(let code): "stopped by berth, \(Self.text(code))"
        case .stoppedBeforeRestart: "stopped"
        case .signalled(let signal, let code): "ended after \(SignalName.name(signal)) from berth, \(Self.text(code))"
        case .endedByItself(let code, let policy):
            "exited by itself \(Self.text(code)); restart: \(policy.composeText)"
        case .gaveUp(let restarts, let code, let policy):
            "failed again after \(restarts) restart\(restarts == 1 ? "" : "s"), \(Self.text(code)); "
                + "restart: \(policy.composeText)"
        case .commandEnded: "ended"
        case .pausedByOthers: "paused by another program"
        case .monitorLost: "unknown: monitor lost"
        case .machineRestarted: "the machine was restarted"
        case .neverRan: "never started"
        case .notStarted(let message, _), .told(let message): message
        }
    }

    /// "with code 137 (SIGKILL)": as in shells, codes above 128 name the signal that ended the process.
    private static func text(_ code: Int?) -> String {
        guard let code else { return "with an unknown code" }
        guard (129...192).contains(code) else { return "with code \(code)" }
        return "with code \(code) (\(SignalName.name(Int32(code - 128))))"
    }
}

extension StateReason: Codable {
    private struct Stored: Codable {
        var kind: Kind
        var code: Int?
        var signal: Int32?
        var restarts: Int?
        var policy: RestartPolicy?
        var text: String?
    }

    private enum Kind: String, Codable {
        case stopped, stoppedBeforeRestart, signalled, endedByItself, gaveUp, commandEnded, pausedByOthers
        case monitorLost, machineRestarted, neverRan, notStarted
    }

    /// Earlier releases stored words.
    package init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = .told(text)
            return
        }
        let stored = try Stored(from: decoder)
        switch stored.kind {
        case .stopped: self = .stopped(code: stored.code)
        case .stoppedBeforeRestart: self = .stoppedBeforeRestart
        case .signalled: self = .signalled(stored.signal ?? SignalName.kill, code: stored.code)
        case .endedByItself: self = .endedByItself(code: stored.code, policy: stored.policy ?? .no)
        case .gaveUp: self = .gaveUp(restarts: stored.restarts ?? 0, code: stored.code, policy: stored.policy ?? .no)
        case .commandEnded: self = .commandEnded
        case .pausedByOthers: self = .pausedByOthers
        case .monitorLost: self = .monitorLost
        case .machineRestarted: self = .machineRestarted
        case .neverRan: self = .neverRan
        case .notStarted: self = .notStarted(stored.text ?? "", code: stored.code ?? 126)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        if case .told(let text) = self {
            var container = encoder.singleValueContainer()
            return try container.encode(text)
        }
        try stored.encode(to: encoder)
    }

    private var stored: Stored {
        switch self {
        case .stopped(let code): Stored(kind: .stopped, code: code)
        case .stoppedBeforeRestart: Stored(kind: .stoppedBeforeRestart)
        case .signalled(let signal, let code): Stored(kind: .signalled, code: code, signal: signal)
        case .endedByItself(let code, let policy): Stored(kind: .endedByItself, code: code, policy: policy)
        case .gaveUp(let restarts, let code, let policy):
            Stored(kind: .gaveUp, code: code, restarts: restarts, policy: policy)
        case .commandEnded: Stored(kind: .commandEnded)
        case .pausedByOthers: Stored(kind: .pausedByOthers)
        case .monitorLost: Stored(kind: .monitorLost)
        case .machineRestarted: Stored(kind: .machineRestarted)
        case .neverRan: Stored(kind: .neverRan)
        case .notStarted(let text, let code): Stored(kind: .notStarted, code: code, text: text)
        case .told(let text): Stored(kind: .notStarted, text: text)
        }
    }
}
