import ProjectModel
import YAML

/// `pull_policy`.
enum PullPolicyText {
    static let names = ["always", "never", "missing", "if_not_present", "build", "refresh", "daily", "weekly"]

    static func parse(_ text: String) -> PullPolicy? {
        switch text {
        case "always", "refresh": return .always
        case "never": return .never
        case "missing", "if_not_present": return .missing
        case "build": return .build
        case "daily": return .every(.seconds(86_400))
        case "weekly": return .every(.seconds(604_800))
        default:
            guard text.hasPrefix("every_"), let span = GoDuration.parse(String(text.dropFirst(6))), span > 0 else {
                return nil
            }
            return .every(.nanoseconds(span))
        }
    }
}

/// `restart`.
package enum RestartPolicyText {
    static let names = ["no", "always", "unless-stopped", "on-failure"]

    /// nil for an invalid text.
    package static func parse(_ text: String) -> RestartPolicy? {
        switch text {
        case "no", "": return .no
        case "always": return .always
        case "unless-stopped": return .unlessStopped
        case "on-failure": return .onFailure(maximumRetries: nil)
        default:
            guard text.hasPrefix("on-failure:"), let count = Int(text.dropFirst(11)), count >= 0 else { return nil }
            return .onFailure(maximumRetries: count == 0 ? nil : count)
        }
    }

    /// What to write instead of an invalid text.
    static func advice(_ text: String) -> String {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[0] == "on-failure" { return "write a number of attempts: on-failure:3" }
        if parts.count == 2, names.contains(String(parts[0])) {
            return "write \(parts[0]) alone: only on-failure takes a number"
        }
        let plain = text.lowercased().filter { $0 != " " && $0 != "-" && $0 != "_" }
        if let same = names.first(where: { $0.filter { $0 != "-" } == plain }) { return "write \(same)" }
        switch plain {
        case "never", "none", "false", "off": return "write \"no\""
        case "any", "yes", "true", "on": return "write always"
        case "failure", "onerror": return "write on-failure"
        default:
            return nearest(to: text, among: names).map { "did you mean '\($0)'?" }
                ?? "use no, always, unless-stopped or on-failure[:N]"
        }
    }
}
