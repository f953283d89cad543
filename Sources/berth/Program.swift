import ArgumentParser
import Console
import EngineWire
import Linux

/// The whole program: parses the arguments, runs the verb, shows failures, returns the exit status.
struct Program {
    let stdout: Output
    let stderr: Output

    func run(_ arguments: [String]) -> ExitStatus {
        let environment = CallingProcess.environment
        let style = Style(.auto, isTerminal: stderr.isTerminal, environment: environment)
        let command: any ParsableCommand
        do {
            if let page = try page(arguments) {
                stdout.write(page)
                return .success
            }
            command = try parsed(arguments)
        } catch let failure as UsageFailure {
            show(failure.message, failure.hint, style)
            return .usage
        } catch {
            return showParserMessage(error, style)
        }
        guard let verb = command as? any Verb else { return runBuiltIn(command, style) }
        let session: Session
        do { session = try Session(verb.global, environment: environment, stdout: stdout, stderr: stderr) } catch {
            show("\(error)", nil, style)
            return .usage
        }
        do {
            try verb.run(in: session)
            return .success
        } catch { return session.report(error) }
    }

    /// The page for `help NAME`; if there is also a verb with that name, its help comes first. nil when NAME is only a
    /// verb, or neither.
    private func page(_ arguments: [String]) throws -> String? {
        let words = arguments.first == "compose" ? arguments.dropFirst() : arguments[...]
        guard words.count == 2, words.first == "help", let name = words.last, !name.hasPrefix("-"),
            name != "help"
        else { return nil }
        if let verb = Berth.verbs[name] {
            guard let documents = Documents(), documents.names.contains(name) else { return nil }
            return "\(Berth.helpMessage(for: verb))\n\n\(try documents.text(of: name))"
        }
        guard let documents = Documents() else {
            throw UsageFailure(
                "there is no verb \"\(name)\", and the documents are not installed",
                hint: "`make install` puts them into share/doc/berth, beside the programs' bin folder")
        }
        return try documents.text(of: name)
    }

    /// Parses a known verb as such, because parsing from the root also looks at all others. Errors and help come from
    /// the root, which knows the whole command line.
    private func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        // A shell asks for completions, in the parser's own protocol.
        if arguments.first == "---completion" { return try Berth.parseAsRoot(arguments) }
        let verbs = Berth.verbs
        let ordered = try ArgumentOrder(verbs: verbs.mapValues(Berth.inner)).ordered(arguments)
        if let verb = ordered.first.flatMap({ verbs[$0] }), Berth.inner(verb).isEmpty,
            let command = try? verb.parse(Array(ordered.dropFirst()))
        {
            return command
        }
        return try Berth.parseAsRoot(ordered)
    }

    /// Runs the parser's own commands: help, and completion scripts.
    private func runBuiltIn(_ command: any ParsableCommand, _ style: Style) -> ExitStatus {
        var command = command
        do {
            try command.run()
            return .success
        } catch { return showParserMessage(error, style) }
    }

    /// Help goes to stdout with success; a mistake goes to stderr with the verb's usage.
    private func showParserMessage(_ error: any Error, _ style: Style) -> ExitStatus {
        let text = Berth.fullMessage(for: error)
        guard Berth.exitCode(for: error) != .success else {
            stdout.line(text)
            return .success
        }
        let mark = "Error: "
        stderr.line(
            style(.boldRed, "error:") + " " + (text.hasPrefix(mark) ? String(text.dropFirst(mark.count)) : text))
        return .usage
    }

    private func show(_ message: String, _ hint: String?, _ style: Style) {
        stderr.line(FailureText(style: style).text(EngineFailure(code: .usage, message: message, hint: hint)))
    }
}
