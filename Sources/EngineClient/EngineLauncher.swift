import EngineWire
import JSON
import Linux

/// Starts `berthd` when its socket does not answer.
struct EngineLauncher {
    let places: EnginePlaces
    let environment: [String: String]

    /// A connection to the engine; starts the engine first if none listens.
    func connect() throws(EngineFailure) -> OwnedFD {
        do throws(SyscallError) { return try connectToUnixSocket(places.socket) } catch {
            switch error.code {
            case .notFound, .connectionRefused, .notDirectory: break
            case .accessDenied, .notPermitted: throw noRights
            default: throw EngineFailure(code: .unreachable, message: "cannot reach the engine: \(error)")
            }
        }
        let logStart = (try? readFile(places.log).count) ?? 0
        // Another engine that holds the root folder is about to listen, or about to exit: alternately try to connect
        // and to start our own.
        let deadline = CallingProcess.monotonic + 30
        var patience = 0.05
        while true {
            do throws(EngineFailure) {
                try start()
                return try connectToStarted(logStart: logStart)
            } catch {
                guard error.code == .alreadyRunning, CallingProcess.monotonic < deadline else { throw error }
            }
            if let connection = try connect(within: patience) { return connection }
            patience = min(patience * 2, 1)
        }
    }

    /// Starts the engine and waits until it reports that it is ready.
    /// - Throws: `already_running` when another one uses the same root folder.
    private func start() throws(EngineFailure) {
        guard let program = Self.program(environment: environment) else {
            throw EngineFailure(
                code: .notInstalled, message: "no engine is running and `berthd` was not found",
                hint: "put it beside the `berth` program or on the PATH")
        }
        guard CallingProcess.isRoot else { throw MissingRights(places: places).ofStart }
        guard canMakeFolders else { throw cannotMakeFolders }
        let answer: [UInt8]
        do throws(SyscallError) {
            try makeFolders(places.run, mode: 0o755)
            let log = try openForAppending(places.log)
            let ready = try DetachedProgram.start(program, environment: engineEnvironment, output: log)
            answer = try Self.firstLine(of: ready)
        } catch { throw EngineFailure(code: .startFailed, message: "cannot start the engine: \(error)") }
        if let failure = try? decodeJSON(EngineFailure.self, from: answer) { throw failure }
    }

    /// The engine's first line, or nothing when it ended without one. The engine may keep the pipe open or close it.
    private static func firstLine(of pipe: borrowing OwnedFD) throws(SyscallError) -> [UInt8] {
        var line: [UInt8] = []
        while !line.contains(0x0A) {
            let bytes = try pipe.readSome(limit: 4096)
            if bytes.isEmpty { break }
            line += bytes
        }
        return Array(line.prefix { $0 != 0x0A })
    }

    /// Connects to an engine that was just started.
    private func connectToStarted(logStart: Int) throws(EngineFailure) -> OwnedFD {
        guard let connection = try connect(within: 10) else { throw didNotStart(logStart: logStart) }
        return connection
    }

    /// Connects to an engine that is about to listen. There is no notification, so it retries for this many seconds.
    /// - Returns: nil when the engine does not listen by then.
    private func connect(within seconds: Double) throws(EngineFailure) -> OwnedFD? {
        let deadline = CallingProcess.monotonic + seconds
        var pause = Duration.milliseconds(2)
        while true {
            do throws(SyscallError) { return try connectToUnixSocket(places.socket) } catch {
                if error.code == .accessDenied { throw noRights }
                guard CallingProcess.monotonic < deadline, error.code == .notFound || error.code == .connectionRefused
                else { return nil }
            }
            var nothing: [Readiness] = []
            try? waitForReadiness(&nothing, timeout: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    /// Only what the engine needs, so that it does not depend on the shell that started it.
    private var engineEnvironment: [String: String] {
        let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
        var result = environment.filter { $0.key.hasPrefix("BERTH_") || proxies.contains($0.key.uppercased()) }
        result["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        result["BERTH_ROOT"] = places.root
        result["BERTH_RUN"] = places.run
        return result
    }

    /// `berthd` beside the running program, or else the first one in the caller's PATH.
    static func program(environment: [String: String]) -> String? {
        var folders: [Substring] = []
        if let own = CallingProcess.executablePath, let slash = own.lastIndex(of: "/") { folders.append(own[..<slash]) }
        folders += (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/berthd" }.first { CallingProcess.canExecute($0) }
    }

    /// Whether the run and root folders exist and are writable, or can be created.
    private var canMakeFolders: Bool { [places.run, places.root].allSatisfy(Self.canMake) }

    private static func canMake(_ path: String) -> Bool {
        if fileExists(path) { return CallingProcess.canWrite(path) }
        guard let slash = path.lastIndex(of: "/"), path.count > 1 else { return false }
        let parent = String(path[..<slash])
        return canMake(parent.isEmpty ? "/" : parent)
    }

    private var noRights: EngineFailure { MissingRights(places: places).ofSocket }

    private var cannotMakeFolders: EngineFailure {
        EngineFailure(
            code: .noRights, message: "no engine is running, and \(places.run) or \(places.root) cannot be written",
            hint: "BERTH_ROOT and BERTH_RUN select other folders")
    }

    /// Includes what it has written to its log since this start.
    private func didNotStart(logStart: Int) -> EngineFailure {
        let log = String(decoding: ((try? readFile(places.log)) ?? []).dropFirst(logStart), as: UTF8.self)
        let last = log.split(separator: "\n").suffix(10).map { String($0.prefix(300)) }
        return EngineFailure(
            code: .startFailed, message: "the engine did not start", hint: "its log is \(places.log)", log: last)
    }
}
