import ProjectModel

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
enum RestartPolicyText {
    static let names = ["no", "always", "unless-stopped", "on-failure"]

    static func parse(_ text: String) -> RestartPolicy? {
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
}
