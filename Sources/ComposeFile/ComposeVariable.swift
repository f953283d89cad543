/// `COMPOSE_…` variables, which set what flags of the command line set.
package enum ComposeVariable {
    /// Go's words for true: `1`, `t`, `true`; anything else is off.
    package static func isOn(_ text: String?) -> Bool {
        guard let text else { return false }
        let word = text.lowercased().split(separator: " ").joined()
        return ["1", "t", "true"].contains(word)
    }
}

/// The `COMPOSE_…` variables that `.env` or the files of `--env-file` add to the caller's; what is wrong with such a file
/// is left for the load to tell.
package func composeVariables(_ request: LoadRequest, from source: some FileSource) -> [String: String] {
    Discovery(request: request, source: source, report: Report()).environment()
        .filter { $0.key.hasPrefix("COMPOSE_") && request.environment[$0.key] == nil }
}
