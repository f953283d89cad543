import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth attach`: connects the terminal to the first process of a running container.
struct Attach: Verb {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Connect your terminal to the first process (PID 1) of a container")

    @OptionGroup var keys: DetachKeysOption
    @Option(help: "The replica's number (default: the lowest one that runs)") var index: Int?
    @Flag(name: .customLong("no-stdin"), help: "Do not send your input") var noStdin = false
    @Flag(inversion: .prefixedNo, help: "Pass signals to the process, unless it has a terminal") var sigProxy = true
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service, or a container's name", completion: .services) var service: String

    func run(in session: Session) throws {
        try session.refuseDryRun("attach")
        let detachKeys = try keys.value(session)
        let container = try session.container(of: service, index: index)
        let usesTerminal = container.tty && !noStdin && session.hasTerminal
        let signals = try CaughtSignals(StreamSession.signals)
        let stream = try session.engine.attach(to: container.id)
        let end = try StreamSession(
            session: session, stream: stream, tty: usesTerminal, stdin: !noStdin && container.takesInput != false,
            peer: .running(passesSignals: sigProxy && !container.tty), detachKeys: detachKeys
        ).run(catching: signals)
        switch end {
        case .detached: session.tellDetached(container)
        case .exited(let code): if code != 0 { throw ExitStatus.container(code) }
        }
    }
}

extension Session {
    func tellDetached(_ container: ContainerRow) {
        tellDetached("\(container.name) keeps running", hint: "berth attach \(container.name)")
    }
}
