import ArgumentParser
import Console
import EngineClient
import EngineWire

extension Session {
    /// Runs a verb on one container after the other, and prints the names of those that succeeded.
    fileprivate func perform(_ verb: EngineWire.Verb, onContainers names: [String]) throws {
        for name in names {
            let request = OperationRequest(key: makeKey(), verb: verb, dryRun: global.dryRun)
            try perform(request, onContainer: name)
            if !global.dryRun { stdout.line(name) }
        }
    }
}

struct ContainerStart: Verb {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Start existing containers")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        try session.perform(.start(wait: false, waitTimeout: nil), onContainers: containers)
    }
}

struct ContainerStop: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop containers without removing them")

    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        try session.perform(.stop(timeout: timeout?.duration), onContainers: containers)
    }
}

struct ContainerRestart: Verb {
    static let configuration = CommandConfiguration(commandName: "restart", abstract: "Stop and start containers")

    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        try session.perform(.restart(timeout: timeout?.duration, dependents: false), onContainers: containers)
    }
}

struct ContainerKill: Verb {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Send a signal to containers, SIGKILL by default")

    @Option(name: .shortAndLong, help: "The signal, by name or number") var signal = "SIGKILL"
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        try session.perform(.kill(signal: signal, removeOrphans: false), onContainers: containers)
    }
}

struct ContainerPause: Verb {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pause containers: freeze their processes")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws { try session.perform(.pause, onContainers: containers) }
}

struct ContainerUnpause: Verb {
    static let configuration = CommandConfiguration(commandName: "unpause", abstract: "Resume paused containers")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws { try session.perform(.unpause, onContainers: containers) }
}

struct ContainerRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove stopped containers", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "Stop them first") var force = false
    @Flag(name: .shortAndLong, help: "Also remove their anonymous volumes") var volumes = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        for name in containers where !force {
            let row = try session.engine.container(name)
            guard ![.running, .paused, .restarting].contains(row.state) else {
                throw CommandFailure("\(row.name) is running", hint: "stop it first, or use --force")
            }
        }
        try session.perform(.remove(stop: force, volumes: volumes), onContainers: containers)
    }
}
