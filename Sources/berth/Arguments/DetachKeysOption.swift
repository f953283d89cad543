import ArgumentParser
import AttachStream
import Console

/// `--detach-keys`, for every verb that connects a terminal.
struct DetachKeysOption: ParsableArguments {
    @Option(
        name: .customLong("detach-keys"),
        help: "Keys that detach the terminal and leave the process running (default: ctrl-p,ctrl-q)")
    var text: String?

    /// The keys from the option, or else from docker's configuration, or else the default. Only invalid keys in the
    /// option are an error: another program's file is no reason to refuse a verb.
    func value(_ session: Session) throws -> DetachKeys {
        guard let text, !text.isEmpty else {
            return RegistryAccounts(environment: session.environment).detachKeys.flatMap { DetachKeys($0) } ?? .standard
        }
        guard let keys = DetachKeys(text) else {
            throw UsageFailure(
                "\"\(text)\" is not a list of detach keys",
                hint: "write characters, or ctrl- and a letter, separated by commas: ctrl-x,d")
        }
        return keys
    }
}
