import Builder
import DockerAPI
import EngineWire
import JSON
import Testing

/// What the classic builder says, made of events that come in any order.
@Suite struct BuildTranscriptTests {
    private static let steps: [BuildOutline.Step] = [
        .init(stage: nil, line: 1, text: "ARG V=1", isToldOf: false),
        .init(stage: 0, line: 2, text: "FROM busybox AS tool", isToldOf: true),
        .init(stage: 0, line: 3, text: "RUN make", isToldOf: true),
        .init(stage: 1, line: 5, text: "FROM busybox", isToldOf: true),
        .init(stage: 1, line: 6, text: "ENV A=b", isToldOf: false),
        .init(stage: 1, line: 7, text: "COPY --from=tool /x /x", isToldOf: true),
        .init(stage: 1, line: 8, text: "CMD [\"x\"]", isToldOf: false),
    ]

    private func step(_ number: Int, _ line: Int, _ state: BuildStepProgress.State, _ result: String? = nil)
        -> BuildEvent
    {
        var progress = BuildStepProgress(number: number, title: "t", state: state)
        progress.line = line
        progress.result = result.map { "sha256:\($0)" }
        return .step(progress)
    }

    private func text(_ events: [BuildEvent], isQuiet: Bool = false) -> String {
        var transcript = BuildTranscript(Self.steps, remarks: ["a remark"], isQuiet: isQuiet)
        return events.flatMap { transcript.lines($0) }.map { line in
            line["stream"]?.string
                ?? line["aux"]?["ID"]?.string.map { "aux \($0)\n" }
                ?? "error \(line["errorDetail"]?["code"]?.integer ?? 0) \(line["error"]?.string ?? "")\n"
        }.joined()
    }

    private static let image = String(repeating: "f", count: 64)

    @Test("instructions come in the order of the file, each with what it wrote, whatever was done first")
    func order() {
        let base = String(repeating: "a", count: 64)
        let made = String(repeating: "b", count: 64)
        let said = text([
            step(1, 2, .running), step(2, 5, .running), step(2, 5, .done, base), step(1, 2, .done, base),
            step(3, 3, .running), .output(step: 3, text: "one\n"),
            .output(step: 3, text: "two\n", isError: true),
            step(3, 3, .done, made), step(4, 7, .cached, made),
            .finished(image: "sha256:\(Self.image)", manifest: "", tags: ["a:1", "b:latest"], cached: false),
        ])
        #expect(
            said == """
                [Warning] a remark
                Step 1/7 : ARG V=1
                 ---> \("")
                Step 2/7 : FROM busybox AS tool
                 ---> aaaaaaaaaaaa
                Step 3/7 : RUN make
                one
                \u{1B}[91mtwo
                \u{1B}[0m ---> bbbbbbbbbbbb
                Step 4/7 : FROM busybox
                 ---> aaaaaaaaaaaa
                Step 5/7 : ENV A=b
                 ---> Using cache
                 ---> aaaaaaaaaaaa
                Step 6/7 : COPY --from=tool /x /x
                 ---> Using cache
                 ---> bbbbbbbbbbbb
                Step 7/7 : CMD ["x"]
                 ---> Using cache
                 ---> bbbbbbbbbbbb
                aux sha256:\(Self.image)
                Successfully built ffffffffffff
                Successfully tagged a:1
                Successfully tagged b:latest

                """)
    }

    @Test("a command that fails is told with what it wrote and its code, though stages before it are not done")
    func failure() {
        var note = BuildNote(message: "the command ended with exit code 3")
        note.command = ["/bin/sh", "-c", "make"]
        note.exitCode = 3
        let said = text([
            step(1, 2, .running), step(2, 5, .running), step(2, 5, .done), step(3, 7, .running),
            .output(step: 3, text: "no\n"), step(3, 7, .failed), .failed([note]),
        ])
        #expect(
            said.hasSuffix(
                """
                Step 6/7 : COPY --from=tool /x /x
                no
                error 3 The command '/bin/sh -c make' returned a non-zero code: 3

                """), "\(said)")
        var wrong = BuildNote(message: "it is not there", hint: "look")
        wrong.place = .init(file: "Dockerfile", line: 7, column: 1, length: 1)
        #expect(text([.failed([wrong])]).hasSuffix("error 0 Dockerfile:7: it is not there (look)\n"))
    }

    @Test("a quiet build says its image, or what went wrong with all before it")
    func quiet() {
        let finished = BuildEvent.finished(image: "sha256:\(Self.image)", manifest: "", tags: ["a:1"], cached: true)
        #expect(text([step(1, 2, .running), step(1, 2, .done), finished], isQuiet: true) == "sha256:\(Self.image)\n")
        let failed = text([step(1, 2, .running), .failed([BuildNote(message: "no")])], isQuiet: true)
        #expect(failed.contains("Step 2/7 : FROM busybox AS tool") && failed.hasSuffix("error 0 no\n"), "\(failed)")
    }
}

/// The routes of building and pushing, on a simulated machine.
@Suite struct BuildRouteTests {
    @Test(
        "what a build cannot be is refused with a reason",
        arguments: [
            ("version=2", 501, "there is no BuildKit here"), ("squash=1", 400, "squash is only supported"),
            ("t=UPPER", 400, "invalid reference format"), ("t=a&t=b@x", 400, "invalid reference format"),
            ("buildargs=%7B", 400, "error reading buildargs"), ("buildargs=%5B%5D", 400, "it is no object"),
            ("labels=%7B%22a%22:1%7D", 400, "the value of a is no text"), ("memory=x", 400, "invalid syntax"),
            ("networkmode=container:x", 501, "cannot use the network of a container"),
            ("extrahosts=x", 400, "bad format"),
            ("securityopt=%5B%22x%22%5D", 400, "does not support setting security options"),
            ("ulimits=%5B%7B%7D%5D", 400, "Name, Hard and Soft"), ("", 400, "no build context was sent"),
            ("remote=ftp://x", 501, "a simulation has no folders"),
        ])
    func refusals(_ query: String, _ status: Int, _ text: String) async throws {
        try await DockerServer.with { server in
            let answer = await server.ask("POST /build?\(query)")
            #expect(answer.status == status && answer.body.contains(text), "\(answer)")
        }
    }

    @Test("a push is told as docker draws it, and what is not here is said in the stream")
    func push() async throws {
        try await DockerServer.with { server in
            let lines = await server.ask("POST /images/busybox/push?tag=latest").body.split(separator: "\n")
                .map { try? JSONValue(parsing: Array($0.utf8)) }
            #expect(lines.first??["status"] == "The push refers to repository [docker.io/library/busybox]")
            #expect(lines.last??["aux"]?["Tag"] == "latest")
            let missing = await server.ask("POST /images/nosuch/push?tag=1")
            #expect(
                missing.status == 200
                    && missing.body.contains("An image does not exist locally with the tag: nosuch:1"), "\(missing)")
            #expect(await server.ask("POST /images/a%20b/push?tag=1").status == 400)
            let known = await server.ask("GET /distribution/busybox/json")
            #expect(known.json?["Platforms"]?.array?.count == 1, "\(known)")
            #expect(await server.ask("POST /build/prune?keep-storage=10").json?["SpaceReclaimed"] == 0)
        }
    }
}
