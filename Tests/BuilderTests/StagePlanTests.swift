import Builder
import Dockerfile
import OCI
import Testing
import YAML

/// Instructions, and what becomes of them: each step and the configuration as text.
@Suite struct StagePlanTests {
    private struct Case {
        let text: String
        let expected: String
        var arguments: [String: String] = [:]
        var base = ImageConfig.Execution()

        init(
            _ text: String, _ expected: String, arguments: [String: String] = [:],
            base: (inout ImageConfig.Execution) -> Void = { _ in }
        ) {
            self.text = text
            self.expected = expected
            self.arguments = arguments
            base(&self.base)
        }
    }

    private static let cases: [Case] = [
        Case("RUN make", "run /bin/sh -c make in / as ''"),
        Case("RUN [\"a\", \"b c\"]", "run a|b c in / as ''"),
        Case("SHELL [\"/bin/bash\", \"-ec\"]\nRUN x", "run /bin/bash|-ec|x in / as ''"),
        Case("WORKDIR /a\nWORKDIR b\nRUN x", "folder /a ''; folder /a/b ''; run /bin/sh|-c|x in /a/b as ''"),
        Case("USER app\nWORKDIR /a\nRUN x", "folder /a 'app'; run /bin/sh|-c|x in /a as 'app'"),
        Case("ENV A=1\nRUN x", "run /bin/sh|-c|x in / as '' A=1"),
        Case("ARG A=1\nRUN x\nARG B\nRUN y", "run /bin/sh|-c|x in / as '' A=1; run /bin/sh|-c|y in / as '' A=1"),
        Case("ARG A\nRUN x", "run /bin/sh|-c|x in / as '' A=given", arguments: ["A": "given"]),
        Case("ARG A=1\nENV A=2\nRUN x", "run /bin/sh|-c|x in / as '' A=2", arguments: ["A": "3"]),
        Case("ENV A=1 B=$A\nENV C=$A\nRUN x", "run /bin/sh|-c|x in / as '' A=1 B= C=1"),
        Case("ARG A=1\nARG A\nRUN x", "run /bin/sh|-c|x in / as '' A=1"),
        Case("ARG A=1\nARG A=2\nRUN x", "run /bin/sh|-c|x in / as '' A=2"),
        Case("RUN x", "run /bin/sh|-c|x in / as ''", arguments: ["HTTP_PROXY": "p"]),
        Case("RUN x", "run /bin/sh|-c|x in / as '' on h", arguments: ["BUILDKIT_SANDBOX_HOSTNAME": "h"]),
        Case(
            "RUN --mount=type=cache,target=/c x", "run /bin/sh|-c|x in / as '' cache:n//c:/c",
            arguments: ["BUILDKIT_CACHE_MOUNT_NS": "n"]),
        Case("COPY a b /c/", "copy a,b → /c/"), Case("WORKDIR /w\nCOPY . .", "folder /w ''; copy . → /w/"),
        Case("WORKDIR /w\nCOPY a b", "folder /w ''; copy a → /w/b"),
        Case("ARG D=x\nCOPY $D/y /z", "copy x/y → /z"),
        Case("COPY --from=0 /a /b", "copy /a → /b from stage 0"),
        Case("COPY --from=busybox:1 /a /b", "copy /a → /b from image busybox:1"),
        Case("COPY --chown=a:b --chmod=755 x /", "copy x → / owner a:b mode 755"),
        Case("COPY <<F /d\nhi $PATH\nF", "copy  → /d document F"),
        Case("ADD http://x/y /z", "add  → /z url http://x/y"),
        Case("RUN <<E\na\nb\nE", "run /bin/sh|-c|a\nb\n in / as ''"),
        Case("RUN <<E\n#!/bin/x\nb\nE", "run /dev/pipes/E in / as '' script"),
        Case("RUN cat <<E >f\na\nE", "run /bin/sh|-c|cat <<E >f\na\nE in / as ''"),
        Case("CMD a\nENTRYPOINT [\"b\"]", "entrypoint b; cmd /bin/sh|-c|a"),
        Case("ENTRYPOINT [\"b\"]", "entrypoint b") { $0.cmd = ["base"] },
        Case("CMD [\"c\"]", "entrypoint e; cmd c") { $0.entrypoint = ["e"] },
        Case("EXPOSE 80 53/udp", "ports 53/udp,80/tcp"), Case("VOLUME /a /b", "volumes /a,/b"),
        Case("STOPSIGNAL SIGINT\nLABEL a=b", "signal SIGINT; labels a=b"),
        Case("ENV B=2", "") { $0.onBuild = ["RUN t"] },
        Case("RUN own", "run /bin/sh|-c|t in / as '' B=2; run /bin/sh|-c|own in / as '' B=2") {
            $0.onBuild = ["ENV B=2", "RUN t"]
        },
        Case("RUN --mount=type=cache,target=/c x", "run /bin/sh|-c|x in / as '' cache:/c:/c"),
        Case("RUN --mount=type=secret,id=k x", "run /bin/sh|-c|x in / as '' secret:k:/run/secrets/k"),
        Case("ARG V=9\nRUN --mount=target=/m,src=$V x", "run /bin/sh|-c|x in / as '' V=9 bind::/m"),
    ]

    @Test("an instruction becomes its step", arguments: cases.indices)
    func becomes(_ row: Int) throws {
        let the = Self.cases[row]
        var findings = Findings(file: "Dockerfile")
        let build = BuildFile(file: "Dockerfile", bytes: Array("FROM base\n\(the.text)\n".utf8), findings: &findings)
        let arguments = BuildArguments(build, given: the.arguments, automatic: [:], findings: &findings)
        let plan = StagePlan(
            try #require(build.stages.first), of: build, on: StageBase(execution: the.base),
            arguments: arguments, findings: &findings
        ) { text in Int(text.text).map { .stage($0) } ?? .image(text.text) }
        #expect(findings.diagnostics.isEmpty, "\(findings.diagnostics)")
        var expected = the.expected
        if expected.isEmpty { expected = "run /bin/sh|-c|t in / as ''" }
        // The table writes a shell's words in one for the first row.
        expected = expected.replacing("run /bin/sh -c make", with: "run /bin/sh|-c|make")
        #expect(text(plan) == expected, "\(the.text)")
    }

    @Test("a proxy is there in both spellings, and does not count for the cache")
    func proxies() throws {
        var findings = Findings(file: "Dockerfile")
        let build = BuildFile(
            file: "Dockerfile", bytes: Array("FROM base\nENV NO_PROXY=own\nRUN x\n".utf8), findings: &findings)
        let arguments = BuildArguments(
            build, given: ["http_proxy": "p", "no_proxy": "q", "FTP_PROXY": "F", "ftp_proxy": "f"], automatic: [:],
            findings: &findings)
        let plan = StagePlan(
            try #require(build.stages.first), of: build, on: StageBase(), arguments: arguments, findings: &findings
        ) { .image($0.text) }
        #expect(
            plan.instructions.last?.hiddenEnvironment
                == ["FTP_PROXY=F", "HTTP_PROXY=p", "ftp_proxy=f", "http_proxy=p", "no_proxy=q"])
    }

    private func text(_ plan: StagePlan) -> String {
        var parts = plan.instructions.compactMap(\.step).map(text)
        guard parts.isEmpty else { return parts.joined(separator: "; ") }
        let config = plan.execution
        if let words = config.entrypoint { parts.append("entrypoint \(words.joined(separator: "|"))") }
        if let words = config.cmd { parts.append("cmd \(words.joined(separator: "|"))") }
        if let ports = config.exposedPorts { parts.append("ports \(ports.keys.sorted().joined(separator: ","))") }
        if let paths = config.volumes { parts.append("volumes \(paths.keys.sorted().joined(separator: ","))") }
        if let signal = config.stopSignal { parts.append("signal \(signal)") }
        if let labels = config.labels { parts.append("labels \(labels.map { "\($0.key)=\($0.value)" }.joined())") }
        return parts.joined(separator: "; ")
    }

    private func text(_ step: BuildStep) -> String {
        switch step {
        case .folder(let path, let user): return "folder \(path) '\(user)'"
        case .run(let step):
            var text = "run \(step.arguments.joined(separator: "|")) in \(step.folder) as '\(step.user)'"
            for variable in step.environment where !variable.hasPrefix("PATH=") { text += " \(variable)" }
            if let name = step.hostname { text += " on \(name)" }
            if step.script != nil { text += " script" }
            for mount in step.mounts { text += " \(mount.kind):\(mount.id):\(mount.target)" }
            return text
        case .copy(let step):
            var text =
                "\(step.isAdd ? "add" : "copy") \(step.query.patterns.joined(separator: ",")) → \(step.destination)"
            switch step.origin {
            case .stage(let index): text += " from stage \(index)"
            case .image(let name): text += " from image \(name)"
            default: break
            }
            if let owner = step.owner { text += " owner \(owner)" }
            if let mode = step.mode { text += " mode \(mode)" }
            for document in step.documents { text += " document \(document.name)" }
            for url in step.urls { text += " url \(url)" }
            return text
        }
    }

    @Test(
        "what cannot be is told at its place",
        arguments: [
            ("ENV A=${B:?no B}", "no B"), ("EXPOSE x", "invalid port 'x'"),
            ("COPY --chmod=9 a b", "invalid file mode '9'"),
            ("ENV A=${B!}", "${B!}"),
        ])
    func mistakes(_ text: String, _ message: String) throws {
        var findings = Findings(file: "Dockerfile")
        let build = BuildFile(file: "Dockerfile", bytes: Array("FROM base\n\(text)\n".utf8), findings: &findings)
        let arguments = BuildArguments(build, given: [:], automatic: [:], findings: &findings)
        _ = StagePlan(
            try #require(build.stages.first), of: build, on: StageBase(), arguments: arguments,
            findings: &findings
        ) { .image($0.text) }
        #expect(findings.diagnostics.contains { $0.place?.line == 2 }, "\(findings.diagnostics)")
    }
}
