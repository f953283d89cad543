import ArgumentParser
import Console
import ProjectModel

/// A grace period: whole seconds, as in docker compose, or a duration such as `1m30s`.
struct GracePeriod: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        if let seconds = Int64(argument), seconds >= 0 {
            duration = .seconds(seconds)
        } else if let seconds = InstantArgument.goDuration(argument) {
            duration = .milliseconds(Int64(seconds * 1000))
        } else {
            return nil
        }
    }
}

/// `SERVICE=COUNT`.
struct ScaleArgument: ExpressibleByArgument {
    let service: String
    let count: Int

    init?(argument: String) {
        guard let equals = argument.lastIndex(of: "="), equals != argument.startIndex,
            let count = Int(argument[argument.index(after: equals)...]), count >= 0
        else { return nil }
        service = String(argument[..<equals])
        self.count = count
    }
}

extension [ScaleArgument] {
    /// The last count of a service applies.
    var counts: [String: Int] { Dictionary(map { ($0.service, $0.count) }) { $1 } }
}

/// `--pull`, `--policy`.
enum PullArgument: String, ExpressibleByArgument, CaseIterable {
    case always, missing, never, build
    /// docker compose's name for "as the service says".
    case policy

    var policy: PullPolicy? {
        switch self {
        case .always: .always
        case .missing: .missing
        case .never: .never
        case .build: .build
        case .policy: nil
        }
    }
}

/// `--tail`: a number of lines, or `all`.
struct TailArgument: ExpressibleByArgument {
    let lines: Int?

    init?(argument: String) {
        if argument == "all" {
            lines = nil
        } else if let count = Int(argument) {
            lines = count < 0 ? nil : count
        } else {
            return nil
        }
    }
}
