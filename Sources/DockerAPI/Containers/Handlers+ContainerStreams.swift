import AttachStream
import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1
import ProjectModel

/// The routes of container streams: logs, attach, exec.
extension Handlers {
    var streamRoutes: [Route] {
        [
            Route(.GET, "/containers/{id}/logs") { try await self.logs($0) },
            Route(.POST, "/containers/{id}/attach") { try await self.attach($0) },
            Route(.GET, "/containers/{id}/attach/ws") { try await self.attachWebSocket($0) },
            Route(.POST, "/containers/{id}/resize") { request in
                let (rows, columns) = try Self.size(request)
                try await self.engine.resize(request.parameter("id"), rows: rows, columns: columns)
                return .ok
            },
            Route(.POST, "/containers/{id}/exec") { try await self.createExec($0) },
            Route(.POST, "/exec/{id}/start") { try await self.startExec($0) },
            Route(.POST, "/exec/{id}/resize") { request in
                let (rows, columns) = try Self.size(request)
                try await self.engine.resizeExec(request.parameter("id"), rows: rows, columns: columns)
                return .ok
            },
            Route(.GET, "/exec/{id}/json") { request in
                .json(Self.exec(try await self.engine.exec(request.parameter("id"))))
            },
        ]
    }

    // MARK: Logs

    private func logs(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        let output = query.flag("stdout")
        let errors = query.flag("stderr")
        guard output || errors else {
            throw DockerFailure.invalid("Bad parameters: you must choose at least one stream")
        }
        let snapshot = try await engine.snapshot(request.parameter("id"))
        if snapshot.record.template.logging?.driver == "none" {
            throw DockerFailure.unsupported("configured logging driver does not support reading")
        }
        var wanted = LogRequest(follow: query.flag("follow"))
        if let tail = query.word("tail"), tail != "all" {
            // Like dockerd, take anything that is not a number as `all`.
            wanted.tail = Int(tail).flatMap { $0 < 0 ? nil : $0 }
        }
        wanted.since = try seconds(query, "since")
        wanted.until = try seconds(query, "until")
        let hasTerminal = snapshot.record.template.tty
        let details =
            try query.flag("details")
            ? LoggingPlan(snapshot.record.template.logging).details(of: snapshot.record) : nil
        let form = LogText(
            isFramed: !hasTerminal, showsOutput: output, showsErrors: errors,
            timestamps: query.flag("timestamps"), details: details)
        let chunks = try await engine.logs(ofContainer: snapshot.record.id, wanted, as: form)
        return .chunks(["content-type": Self.streamType(hasTerminal, request.version)], chunks)
    }

    private func seconds(_ query: Query, _ name: String) throws(DockerFailure) -> Double? {
        guard let text = query.word(name), text != "0" else { return nil }
        guard let instant = Instant.parse(text, now: engine.now) else {
            throw .invalid("invalid value for \"\(name)\": \(text)")
        }
        return Double(instant) / 1e9
    }

    static func streamType(_ isRaw: Bool, _ version: APIVersion) -> String {
        !isRaw && version >= APIVersion(major: 1, minor: 42)
            ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream"
    }

    // MARK: Attach

    private func attach(_ request: DockerRequest) async throws -> Response {
        let (options, before, descriptor) = try await attachment(request, isFramed: true)
        return Self.hijack(request, options, before: before, descriptor: descriptor)
    }

    /// The same bytes without headers, one frame per piece. The client cannot see which stream a piece came from.
    private func attachWebSocket(_ request: DockerRequest) async throws -> Response {
        guard request.header("upgrade")?.lowercased() == "websocket",
            request.request.head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }),
            request.header("sec-websocket-key")?.utf8.count == 24, request.header("sec-websocket-version") == "13"
        else { throw DockerFailure.invalid("this route is for websockets (RFC 6455, version 13)") }
        try Self.checkOrigin(request)
        let (options, before, descriptor) = try await attachment(request, isFramed: false)
        var wanted = StreamSwitch(headers: [:], translation: { DockerStream(options) }, descriptor: descriptor)
        wanted.before = before
        wanted.webSocket = request.version < APIVersion(major: 1, minor: 28) ? .text : .binary
        wanted.failure = { Self.failureText($0, options) }
        return .stream(wanted)
    }

    /// Otherwise a page of another site could use the client certificate of the browser that shows it.
    private static func checkOrigin(_ request: DockerRequest) throws(DockerFailure) {
        guard let origin = request.header("origin"), let host = request.header("host") else { return }
        let site = origin.split(separator: "/").last.map { $0.lowercased() } ?? ""
        guard site == host.lowercased() else {
            throw DockerFailure(.forbidden, "websockets for pages of another site (\(origin)) are refused")
        }
    }

    /// What an attached client gets. `isFramed`: each piece has a header that names its stream, unless the container has a terminal.
    private func attachment(
        _ request: DockerRequest, isFramed: Bool
    ) async throws -> (
        options: DockerStream.Options, before: AsyncStream<[UInt8]>?, descriptor: (@Sendable () async throws -> CInt)?
    ) {
        let query = request.query
        let snapshot = try await engine.snapshot(request.parameter("id"))
        let template = snapshot.record.template
        let takesInput = query.flag("stdin") && template.stdinOpen && query.flag("stream")
        var options = DockerStream.Options(
            hasTerminal: template.tty, takesInput: takesInput, showsOutput: query.flag("stdout"),
            showsErrors: query.flag("stderr"),
            detachKeys: takesInput && template.tty ? try detachKeys(query.text("detachKeys")) : nil)
        options.isFramed = isFramed && !template.tty
        let descriptor = query.flag("stream") ? try await engine.streams(of: snapshot.record.id) : nil
        let before = query.flag("logs") ? try await written(snapshot, options) : nil
        return (options, before, descriptor)
    }

    private func detachKeys(_ text: String?) throws(DockerFailure) -> DetachKeys {
        guard let text, !text.isEmpty else { return .standard }
        guard let keys = DetachKeys(text) else { throw .invalid("Invalid detach keys (\(text)) provided") }
        return keys
    }

    /// The output so far.
    private func written(
        _ snapshot: ContainerSnapshot, _ options: DockerStream.Options
    ) async throws -> AsyncStream<[UInt8]> {
        let form = LogText(
            isFramed: options.isFramed, showsOutput: options.showsOutput,
            showsErrors: options.showsErrors)
        return try await engine.logs(ofContainer: snapshot.record.id, LogRequest(), as: form)
    }

    /// Turns the connection into a stream: with 101 if the client asks for an upgrade, otherwise with 200 and the bytes right after it.
    static func hijack(
        _ request: DockerRequest, _ options: DockerStream.Options,
        before: AsyncStream<[UInt8]>? = nil, onExit: @escaping @Sendable (Int) -> Void = { _ in },
        descriptor: (@Sendable () async throws -> CInt)?
    ) -> Response {
        var headers: HTTPHeaders = ["content-type": streamType(!options.isFramed, request.version)]
        let isUpgrade = request.header("upgrade") != nil
        if isUpgrade {
            headers.add(name: "connection", value: "Upgrade")
            headers.add(name: "upgrade", value: "tcp")
        }
        var wanted = StreamSwitch(
            status: isUpgrade ? .switchingProtocols : .ok, headers: headers,
            translation: { DockerStream(options, onExit: onExit) }, descriptor: descriptor)
        wanted.before = before
        wanted.failure = { failureText($0, options) }
        return .stream(wanted)
    }

    /// What the client reads if there is no stream; nothing if the client has stopped waiting for it.
    private static func failureText(_ error: any Error, _ options: DockerStream.Options) -> [UInt8] {
        error is CancellationError ? [] : DockerStream(options).failure(DockerFailure(describing: error).message)
    }

    // MARK: Exec

    static func size(_ request: DockerRequest) throws(DockerFailure) -> (rows: UInt16, columns: UInt16) {
        func number(_ name: String) throws(DockerFailure) -> UInt16 {
            guard let value = request.query.word(name).flatMap({ UInt16($0) }) else {
                throw .invalid("invalid resize \(name == "h" ? "height" : "width"): \(request.query.text(name) ?? "")")
            }
            return value
        }
        return (try number("h"), try number("w"))
    }

    private func createExec(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        let command = try body["Cmd"].texts() ?? []
        guard !command.isEmpty else { throw DockerFailure.invalid("No exec command specified") }
        var environment: [String: String] = [:]
        for entry in try body["Env"].texts() ?? [] {
            let pair = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { environment[String(pair[0])] = String(pair[1]) }
        }
        let keys = try body["DetachKeys"].text() ?? ""
        _ = try detachKeys(keys)
        var wanted = ExecRequest(
            command: command, environment: environment, user: try body["User"].text(),
            workingDirectory: try body["WorkingDir"].text(), tty: try body["Tty"].flag() ?? false,
            privileged: try body["Privileged"].flag() ?? false, stdin: try body["AttachStdin"].flag() ?? false)
        let size = try body["ConsoleSize"].items()
        if size.count == 2 {
            wanted.rows = UInt16(clamping: try size[0].integer() ?? 0)
            wanted.columns = UInt16(clamping: try size[1].integer() ?? 0)
        }
        wanted.detachKeys = keys
        wanted.showsOutput = try body["AttachStdout"].flag() ?? false
        wanted.showsErrors = try body["AttachStderr"].flag() ?? false
        let snapshot = try await engine.snapshot(request.parameter("id"))
        let id = try await engine.createExec(wanted, in: snapshot.record.id).id
        return .json(.members(["Id": id]), status: .created)
    }

    private func startExec(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.jsonIfAny())
        let isDetached = try body["Detach"].flag() ?? false
        let size = try body["ConsoleSize"].items()
        var terminal: (rows: UInt16, columns: UInt16)?
        if size.count == 2, let rows = try size[0].amount(), let columns = try size[1].amount() {
            terminal = (UInt16(clamping: rows), UInt16(clamping: columns))
        }
        let chosen = terminal
        let row = try await engine.claimExec(request.parameter("id")) { wanted in
            wanted.detach = isDetached
            if let chosen { (wanted.rows, wanted.columns) = (chosen.rows, chosen.columns) }
        }
        let engine = engine
        guard !isDetached else {
            _ = try await engine.runExec(row)
            return .ok
        }
        let wanted = row.request
        var options = DockerStream.Options(
            hasTerminal: wanted.tty, takesInput: wanted.stdin, showsOutput: wanted.showsOutput ?? true,
            showsErrors: wanted.showsErrors ?? true,
            detachKeys: wanted.tty && wanted.stdin ? try detachKeys(wanted.detachKeys) : nil)
        // As in dockerd, this field alone decides about frames, even if the command was created with a terminal.
        options.isFramed = try body["Tty"].flag() != true
        options.tellsFailure = true
        let told: @Sendable (Int) -> Void = { engine.execEnded(row.id, code: $0) }
        return Self.hijack(request, options, onExit: told) {
            guard case .attached(let descriptor) = try await engine.runExec(row) else {
                throw DockerFailure(.internalServerError, "exec \(row.id) has no streams")
            }
            return descriptor
        }
    }

    static func exec(_ row: ExecRow) -> JSONValue {
        let request = row.request
        var code: Int?
        // Nobody knows how it ended; 255 is what a shell would give.
        if case .exited(let ended) = row.state { code = ended ?? 255 }
        return .members([
            "ID": row.id, "Running": row.state == .running, "ExitCode": code,
            "ProcessConfig": JSONValue.members([
                "tty": request.tty, "entrypoint": request.command.first ?? "",
                "arguments": Array(request.command.dropFirst()), "privileged": request.privileged,
                "user": request.user ?? "",
            ]),
            "OpenStdin": request.stdin, "OpenStderr": request.showsErrors ?? true,
            "OpenStdout": request.showsOutput ?? true, "CanRemove": code != nil, "ContainerID": row.container,
            "DetachKeys": request.detachKeys ?? "", "Pid": row.processID ?? 0,
        ])
    }
}
