/// `COMPOSE_…` variables, which stand for command-line flags.
package enum ComposeVariable {
    /// True for Go's words `1`, `t`, `true`; false for everything else.
    package static func isOn(_ text: String?) -> Bool {
        guard let text else { return false }
        let word = text.lowercased().split(separator: " ").joined()
        return ["1", "t", "true"].contains(word)
    }
}

/// The `COMPOSE_…` variables that `.env` or the files of `--env-file` add to the caller's. The load itself reports
/// errors in these files.
package func composeVariables(_ request: LoadRequest, from source: some FileSource) -> [String: String] {
    Discovery(request: request, source: source, report: Report()).environment()
        .filter { $0.key.hasPrefix("COMPOSE_") && request.environment[$0.key] == nil }
}
