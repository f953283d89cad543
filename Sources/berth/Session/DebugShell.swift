import Console
import EngineClient
import EngineWire
import Linux
import YAML

// `--debug`.
extension Session {
    /// - Throws: `UsageFailure` where nobody could use a shell.
    func checkDebug() throws(UsageFailure) {
        guard !hasTerminal else { return }
        throw UsageFailure(
            "--debug opens a shell when a step fails, and a shell needs a terminal",
            hint: "run the build in a terminal, or leave --debug out")
    }

    /// Connects this terminal to the shell of a step that failed, until the shell ends.
    func open(_ shell: BuildShell, of wish: BuildWish, _ signals: borrowing CaughtSignals) throws {
        let stream: AttachedStream
        do throws(EngineFailure) { stream = try engine.shell(shell.id) } catch {
            // The build has ended meanwhile.
            if error.code == .notFound { return }
            throw error
        }
        show(shell.note, of: wish.source, as: .error)
        stderr.line(
            errorStyle(
                .bold, "\(shell.program) in the state in which the step failed; when you leave it, the build ends"))
        do {
            _ = try StreamSession(
                session: self, stream: stream, tty: true, stdin: true, peer: .exec, detachKeys: nil
            ).run(catching: signals)
        } catch var failure as EngineFailure where failure.code == .engineLost {
            failure.message = "the engine ended, and the shell with it"
            failure.hint = "build again: it goes on from what was finished"
            throw failure
        }
    }
}
