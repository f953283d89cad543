import ArgumentParser
import Console

/// Flags of every verb, before or after it. `ArgumentOrder` moves them behind the verb and expands short forms.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("file"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("(-f) A Compose file, \"-\" for standard input", valueName: "path"))
    var files: [String] = []

    @Option(
        name: .customLong("project-name"), parsing: .unconditional,
        help: ArgumentHelp("(-p) The project's name", valueName: "name"))
    var projectName: String?

    @Option(
        name: .customLong("profile"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A profile to enable, '*' for all", valueName: "name"))
    var profiles: [String] = []

    @Option(
        name: .customLong("env-file"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Variables for the Compose file", valueName: "path"))
    var environmentFiles: [String] = []

    @Option(
        help: ArgumentHelp(
            "The folder that relative paths start from (default: the first file's folder)", valueName: "path"))
    var projectDirectory: String?

    @Option(help: "When to use colours and cursor movement") var ansi: AnsiMode?
    @Option(help: "How to show progress on standard error") var progress: ProgressMode?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest number of steps at once (default: no limit)", valueName: "count"))
    var parallel: Int?
    @Flag(help: "Show what would be done; change nothing") var dryRun = false
    @Flag(help: .hidden) var compatibility = false
    @Flag(help: .hidden) var allResources = false
    @Flag(help: .hidden) var verbose = false
    @Flag(name: .customLong("no-ansi"), help: .hidden) var noAnsi = false
}

extension AnsiMode: ExpressibleByArgument {}
extension ProgressMode: ExpressibleByArgument {}

/// A verb: flags, then a few lines. `main` shows its failures.
protocol Verb: ParsableCommand {
    var global: GlobalOptions { get }
    func run(in session: Session) throws
}

extension Verb {
    /// Not used: `main` calls `run(in:)`.
    func run() throws { throw ExitStatus.usage }
}
