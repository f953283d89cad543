import Engine
import EngineWire
import JSON
import Linux

/// The command line of `berthd`: a flag for each setting, and flags that only print something.
struct Arguments {
    /// What to print instead of running.
    enum Show {
        case help, version, schema, settings, check
    }

    private(set) var show: Show?
    /// By name, as text.
    private(set) var settings: [String: String] = [:]

    /// - Throws: `EngineFailure` for an unknown flag, or one without its value.
    init(_ arguments: some Sequence<String>) throws(EngineFailure) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h": show = .help
            case "--version": show = .version
            case "--schema": show = .schema
            case "--settings": show = .settings
            case "--check": show = .check
            default: try take(argument, &rest)
            }
        }
    }

    private mutating func take(_ argument: String, _ rest: inout ArraySlice<String>)
        throws(EngineFailure)
    {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        var name = String(parts[0].drop { $0 == "-" })
        // dockerd's name for it.
        if name == "config-file" { name = "docker-config" }
        guard argument.hasPrefix("--"),
            name == "config" || Setting.all.contains(where: { $0.name == name })
        else {
            throw EngineFailure(
                code: .usage, message: "there is no flag \(argument)", hint: "berthd --help lists them")
        }
        guard var value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
            throw EngineFailure(code: .usage, message: "\(parts[0]) needs a value")
        }
        // The engine leaves this folder.
        if name == "docker-config", value != "none", !value.hasPrefix("/") {
            value = "\(CallingProcess.workingDirectory)/\(value)"
        }
        settings[name] = value
    }

    /// The output of `--help`, `--schema` and `--settings`.
    static func text(_ show: Show, notes: [String] = []) -> String {
        switch show {
        case .schema: configurationSchema().text(.pretty(indent: 2))
        case .settings: settingsTable()
        case .help: help
        case .version: "berthd version \(WireVersion.product)\n"
        case .check: checked(notes)
        }
    }

    private static func checked(_ notes: [String]) -> String {
        notes.map { "\($0)\n" }.joined() + "the configuration has no errors\n"
    }

    private static var help: String {
        let names = ["--config FILE"] + Setting.all.map { "--\($0.name) VALUE" }
        let texts =
            ["The configuration file; default: \(SettingsReader.defaultFile), if it exists."]
            + Setting.all.map { "\($0.documentation) Default: \($0.defaultText). Also \($0.variable)." }
        let width = (names.map(\.count).max() ?? 0) + 2
        let lines = zip(names, texts).map { name, text in
            "  \(name)\(String(repeating: " ", count: width - name.count))\(text)\n"
        }
        return """
            Usage: berthd [flags]

            The engine. Flags override variables, and variables override the configuration file.

            \(lines.joined())
              --check     Check the configuration, and exit.
              --schema    The JSON schema of the configuration file.
              --settings  The settings as a table.
              --version   The version.

            """
    }
}
