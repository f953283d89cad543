import Console
import EngineClient
import EngineWire
import FileWatch
import Linux
import ProjectModel

/// Work for a service other than copying files: rebuild, restart, commands. A copy of this process does it, so that
/// copying continues meanwhile.
struct WatchWork {
    struct Options {
        var isQuiet = false
        /// The numbers of replicas from the command line.
        var scale: [String: Int] = [:]
    }

    let session: Session
    let project: Project
    let options: Options
    let service: String
    let rebuilds: Bool
    let restarts: Bool
    let commands: [Hook]

    /// Does all steps; shows the failure of a step and continues with the others.
    func run() throws {
        var isNew = false
        if rebuilds { attempt("was not rebuilt") { isNew = try rebuild() } }
        if restarts, !isNew { attempt("was not restarted") { try restart() } }
        for command in commands {
            for row in try session.engine.containers(of: project.name, all: false)
                .filter({ $0.service == service && !$0.isOneOff && $0.state == .running })
                .sorted(by: { $0.name < $1.name })
            {
                attempt("did not run the command") { try execute(command, in: row) }
            }
        }
    }

    private func attempt(_ failure: String, _ body: () throws -> Void) {
        do { try body() } catch ExitStatus.interrupted {
            CallingProcess.exit(ExitStatus.interrupted.code)
        } catch {
            _ = session.report(error)
            session.say(watch: "service \"\(service)\" \(failure); the watch continues")
        }
    }

    /// True when its containers were replaced.
    private func rebuild() throws -> Bool {
        session.say(watch: "Rebuilding service(s) [\"\(service)\"] after changes were detected...")
        var builds = ServiceBuilds(project: project, session: session)
        builds.isForRunning = true
        let wishes = try builds.wishes(for: [service])
        let replicas = try session.engine.containers(of: project.name, all: true)
            .count { $0.service == service && !$0.isOneOff }
        _ = try session.build(wishes, BuildShow(isQuiet: options.isQuiet, warnings: false, isPlain: true))
        session.say(watch: "service(s) [\"\(service)\"] successfully built")
        var up = UpOptions()
        up.dependencies = false
        up.ignoreOrphans = true
        up.scale = options.scale.filter { $0.key == service }
        if up.scale.isEmpty, replicas > 0 { up.scale[service] = replicas }
        let result = try session.perform(
            OperationRequest(key: session.makeKey(), verb: .up(up), project: project, services: [service]),
            in: project.name, quiet: true)
        return result.outcome.changes > 0
    }

    private func restart() throws {
        try session.perform(
            OperationRequest(
                key: session.makeKey(), verb: .restart(timeout: nil, dependents: true), services: [service]),
            in: project.name, quiet: true)
        session.say(watch: "service(s) [\"\(service)\"] restarted")
    }

    private func execute(_ hook: Hook, in row: ContainerRow) throws {
        let request = ExecRequest(
            command: hook.command, environment: hook.environment, user: hook.user, workingDirectory: hook.workingDir,
            tty: false, privileged: hook.privileged, stdin: false, detach: false)
        let stream = try session.engine.exec(request, in: row.id)
        let end = try StreamSession(session: session, stream: stream, tty: false, stdin: false, peer: .exec).run()
        if case .exited(let code) = end, code != 0 {
            throw CommandFailure("\(row.name): \(hook.command.joined(separator: " ")) ended with exit code \(code)")
        }
    }
}

extension Session {
    /// Prints a line about the watch, among the containers' lines.
    func say(watch text: String) {
        if progress == .quiet { return }
        stdout.line("\(style(.cyan, "⦿")) \(text)")
    }
}
