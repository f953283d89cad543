import AttachStream
import Console
import EngineClient
import EngineWire
import Linux

/// Connects the caller's terminal or pipes to a process in a container, until the process ends or the caller detaches.
struct StreamSession {
    /// The kind of process, which decides how to handle signals.
    enum Peer: Equatable {
        /// A command; berth-monitor sends it SIGHUP when the client disconnects.
        case exec
        /// The first process of a container: the kernel drops signals that it does not handle, so the engine stops it
        /// then.
        case container(id: String)
        /// The first process of a container that existed before and stays when the client leaves. Without
        /// `passesSignals` a signal only affects the client.
        case running(passesSignals: Bool)
    }

    enum End: Equatable {
        /// The process has ended; its exit code as in a shell.
        case exited(Int)
        /// The caller typed the detach keys; the process continues.
        case detached
    }

    let session: Session
    let stream: AttachedStream
    let tty: Bool
    let stdin: Bool
    let peer: Peer
    /// The keys for detaching; only with a terminal. nil: the terminal cannot be detached.
    var detachKeys: DetachKeys? = .standard

    /// When more than this waits to be sent, input is not read.
    private static let unsentLimit = 256 << 10

    /// Runs until the end, and returns how it ended.
    ///
    /// The terminal is in raw mode meanwhile and is restored on every way out. Signals go to the process; if it does
    /// not end after three of them, the client leaves.
    func run() throws -> End { try run(catching: try CaughtSignals(Self.signals)) }

    /// The signals to catch: those for the process, and window size changes.
    static let signals = CaughtSignals.forwarded + [CaughtSignals.windowChange]

    /// The same with `Self.signals` that the caller already catches.
    func run(catching signals: borrowing CaughtSignals) throws -> End {
        if tty { return try withRawTerminal(Terminal.stdin) { try pass(signals) } }
        return try pass(signals)
    }

    private func pass(_ signals: borrowing CaughtSignals) throws -> End {
        var stop: PendingRequest?
        // Held until the stream ends, because the engine drops a request when its client leaves.
        defer { withExtendedLifetime(stop) {} }
        if tty { try sendSize(redraws: isGuest) }
        var keys = tty ? detachKeys.map { DetachKeyReader($0) } : nil
        if !stdin, !isGuest { try stream.send(StreamFrame(.stdinEnd)) }
        // Read keys even if the input goes nowhere, for the detach keys.
        var inputIsOpen = stdin || keys != nil
        var endings = 0
        while true {
            var ready = [
                Readiness(stream.descriptor, for: stream.unsent > 0 ? .both : .reading),
                Readiness(signals.raw, for: .reading),
            ]
            let readsInput = inputIsOpen && stream.unsent < Self.unsentLimit
            if readsInput { ready.append(Readiness(Terminal.stdin, for: .reading)) }
            if !stream.hasBuffered { try waitForReadiness(&ready) }
            while let signal = signals.next() {
                if signal == CaughtSignals.windowChange {
                    if tty { try sendSize() }
                    continue
                }
                let asksForEnd = CaughtSignals.ending.contains(signal)
                endings += asksForEnd ? 1 : 0
                if endings > 3 { throw ExitStatus.interrupted }
                switch peer {
                case .exec where signal == CaughtSignals.hangUp: throw ExitStatus.interrupted
                case .running(let passesSignals):
                    // The terminal closed; the container must not be affected.
                    guard passesSignals, signal != CaughtSignals.hangUp else { throw ExitStatus.interrupted }
                    try stream.send(StreamFrame(.signal, [UInt8(truncatingIfNeeded: signal)]))
                case .container(let id) where asksForEnd:
                    try stream.send(StreamFrame(.signal, [UInt8(truncatingIfNeeded: signal)]))
                    stop = try? session.engine.beginStop(of: id, ifDeafTo: signal)
                default: try stream.send(StreamFrame(.signal, [UInt8(truncatingIfNeeded: signal)]))
                }
            }
            if ready[0].isWritable { try stream.flush() }
            if readsInput, ready[2].isReadable {
                inputIsOpen = try passInput(&keys)
                if keys?.isComplete == true {
                    try letGo()
                    return .detached
                }
            }
            if stream.hasBuffered || ready[0].isReadable {
                guard let frames = try stream.frames() else {
                    throw EngineFailure(
                        code: .engineLost, message: "the engine ended; the process may still run",
                        hint: "berth ps shows it")
                }
                if let code = try show(frames) { return .exited(code) }
            }
        }
    }

    /// The container existed before, and others may be attached too, so this client must not end its input.
    private var isGuest: Bool {
        if case .running = peer { return true }
        return false
    }

    /// False at the end of the input.
    private func passInput(_ keys: inout DetachKeyReader?) throws -> Bool {
        // A terminal that is gone, or a closed descriptor, counts as the end of the input.
        let bytes = (try? readDescriptor(Terminal.stdin, limit: 32768)) ?? []
        let input = bytes.isEmpty ? keys?.finish() ?? [] : keys?.pass(bytes) ?? bytes
        if stdin, !input.isEmpty { try stream.send(StreamFrame(.stdin, input)) }
        if stdin, bytes.isEmpty { try stream.send(StreamFrame(.stdinEnd)) }
        return !bytes.isEmpty
    }

    /// Sends everything, then tells the engine that the client leaves and the process stays.
    private func letGo() throws {
        try stream.send(StreamFrame(.detach))
        while stream.unsent > 0 {
            var ready = [Readiness(stream.descriptor, for: .both)]
            try waitForReadiness(&ready)
            if ready[0].isWritable { try stream.flush() }
            if ready[0].isReadable, try stream.frames() == nil { return }
        }
    }

    /// `redraws`: a program redraws its screen only when the size changes.
    private func sendSize(redraws: Bool = false) throws {
        guard let size = Terminal.size(Terminal.stdin) ?? Terminal.size(Terminal.stdout) else { return }
        if redraws { try stream.send(.resize(rows: size.rows &+ 1, columns: size.columns)) }
        try stream.send(.resize(rows: size.rows, columns: size.columns))
    }

    /// Shows the frames. Returns the exit code if there is one.
    private func show(_ frames: [StreamFrame]) throws -> Int? {
        for frame in frames {
            switch frame.kind {
            case .stdout: session.stdout.write(bytes: frame.payload)
            case .stderr: session.stderr.write(bytes: frame.payload)
            case .exit: return Int(frame.exitCode ?? 1)
            case .failure:
                let reason = String(decoding: frame.payload.dropFirst(), as: UTF8.self)
                let code = Int(frame.payload.first ?? 126)
                // In raw mode a line feed does not return to the first column.
                session.stderr.write(tty ? "\(reason)\r\n" : "\(reason)\n")
                return code
            default: break
            }
        }
        return nil
    }
}

extension Session {
    /// After detaching, tells the user what continues to run, below whatever the screen shows.
    func tellDetached(_ what: String, hint: String? = nil) {
        stderr.write("\n")
        stderr.line("detached: \(what)")
        if let hint { stderr.line("  \(errorStyle(.cyan, "hint:")) \(hint)") }
    }
}
