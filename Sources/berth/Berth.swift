import ArgumentParser

/// The root of all verbs.
struct Berth: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "berth",
        abstract: "Run Compose projects: make the machine match the file and keep it that way.",
        usage: "berth [--file <path>] [--project-name <name>] <verb> [<flags>] [<services>]",
        discussion:
            "In a folder with a compose.yaml, `berth up` starts everything in it. `berth help differences` shows the "
            + "differences from docker compose, `berth help troubleshooting` explains messages, and `berth help pages` lists "
            + "all pages.",
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [
                    Up.self, Down.self, Create.self, Start.self, Stop.self, Restart.self, Pause.self, Unpause.self,
                    Kill.self, Remove.self, Scale.self, Rollback.self, Run.self, Exec.self, Attach.self, Copy.self,
                    Wait.self,
                    Build.self, Watch.self, Commit.self,
                ]),
            CommandGroup(
                name: "Inspect",
                subcommands: [
                    PS.self, Logs.self, Events.self, Top.self, Stats.self, Export.self, PortOf.self, Images.self,
                    Volumes.self,
                    List.self, Plan.self,
                    History.self, Explain.self,
                    Config.self, Version.self, DockerHost.self, Cert.self,
                ]),
            CommandGroup(
                name: "Manage",
                subcommands: [
                    Pull.self, Push.self, ContainerVerbs.self, ImageVerbs.self, VolumeVerbs.self, NetworkVerbs.self,
                    BuilderVerbs.self, SystemVerbs.self,
                ]),
        ])

    /// Every verb, by each of its names.
    static var verbs: [String: any ParsableCommand.Type] {
        var verbs: [String: any ParsableCommand.Type] = [:]
        for command in configuration.groupedSubcommands.flatMap(\.subcommands) {
            for name in [name(command)] + command.configuration.aliases { verbs[name] = command }
        }
        return verbs
    }

    /// The names of the verbs inside a verb.
    static func inner(_ verb: any ParsableCommand.Type) -> [String] {
        verb.configuration.subcommands.flatMap { [name($0)] + $0.configuration.aliases }
    }

    /// Every verb has an explicit name: deriving one from its type would search all types of the program.
    private static func name(_ command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }
}
