import Console
import EngineWire
import Linux
import Testing

/// What a person reads of a build.
@Suite struct BuildProgressTests {
    private func shown(
        _ form: BuildProgress.Form, why: Bool = false, of build: String? = nil, _ events: [BuildEvent]
    ) throws -> String {
        var pipe = try DescriptorPair.pipe()
        let source = pipe.takeFirst()
        do {
            let sink = pipe.takeSecond()
            var time = 0.0
            let progress = BuildProgress(
                to: Output(sink.raw), style: Style(isColoured: false), form: form, why: why,
                clock: {
                    time += 0.25
                    return time
                })
            for event in events { progress.show(event, of: build) }
            progress.finish()
        }
        return String(decoding: try source.readToEnd(), as: UTF8.self)
    }

    private func step(
        _ number: Int, _ title: String, _ state: BuildStepProgress.State, _ seconds: Double? = nil,
        _ reasons: [String] = []
    ) -> BuildEvent {
        var step = BuildStepProgress(number: number, title: title, state: state)
        step.seconds = seconds
        step.reasons = reasons
        return .step(step)
    }

    private var events: [BuildEvent] {
        [
            step(1, "[1/3] FROM base", .running), step(1, "[1/3] FROM base", .done, 0.04),
            step(2, "[2/3] COPY a /", .cached),
            step(3, "[3/3] RUN make", .running, nil, ["its command has changed", "the variable A is new"]),
            .output(step: 3, text: "one\ntw"), .output(step: 3, text: "o\nrest"),
            step(3, "[3/3] RUN make", .done, 1.26),
            .finished(image: "sha256:0123456789abcdef", manifest: "sha256:0", tags: ["app"], cached: false),
        ]
    }

    @Test("in a pipe each step has a number, its output a time, and what was run a reason")
    func plain() throws {
        #expect(
            try shown(.plain, events) == """
                #1 [1/3] FROM base
                #1 DONE 0.0s
                #2 [2/3] COPY a /
                #2 CACHED
                #3 [3/3] RUN make
                #3 because its command has changed
                #3 0.250 one
                #3 0.500 two
                #3 0.750 rest
                #3 DONE 1.3s
                built 0123456789ab as app

                """)
    }

    @Test("all reasons with --why, the service before the step, nothing when it is to be quiet")
    func forms() throws {
        let text = try shown(.plain, why: true, of: "web", events)
        #expect(
            text.contains(
                "#3 [web 3/3] RUN make\n#3 because its command has changed\n#3 because the variable A is new\n"))
        #expect(text.contains("[web] built 0123456789ab as app"))
        #expect(try shown(.quiet, events) == "")
    }

    @Test("as JSON each event is a line")
    func json() throws {
        let lines = try shown(.json, events).split(separator: "\n")
        #expect(lines.count == events.count)
        #expect(lines[3].contains(#""reasons":["its command has changed","the variable A is new"]"#))
    }

    @Test("a terminal shows what is done for good, and what runs only while it runs")
    func terminal() throws {
        let text = try shown(.terminal, events)
        #expect(text.contains(" = [2/3] COPY a / CACHED\n") && text.contains(" ✔ [3/3] RUN make 1.3s\n"))
        #expect(text.contains(" • [3/3] RUN make") && text.contains("| two"))
        #expect(text.hasSuffix("built 0123456789ab as app\n"))
    }

    @Test("a step from another cache names it when --why asks")
    func otherCache() throws {
        var cached = BuildStepProgress(number: 2, title: "[2/2] RUN make", state: .cached)
        cached.cache = "host/app:cache"
        let told = try shown(.plain, why: true, [.step(cached)])
        #expect(told == "#1 [2/2] RUN make\n#1 because it was in the cache host/app:cache\n#1 CACHED\n")
        #expect(try shown(.plain, [.step(cached)]) == "#1 [2/2] RUN make\n#1 CACHED\n")
    }
}
