import Dockerfile
import Testing
import YAML

@Suite("Mistakes are told at their place") struct MistakeTests {
    @Test(
        "one by one",
        arguments: [
            ("«»", "the file has no instructions", "start with FROM image"),
            ("# only\n«»", "the file has no instructions", nil),
            (
                "«RUN» x", "RUN before the first FROM",
                "start the file with FROM image; only ARG may come before it"
            ),
            ("«ARG A»", "the file has no stage", "add FROM image after its arguments"),
            ("FROM a\n«RNU» x", "unknown instruction 'RNU'", "did you mean RUN?"),
            ("«FORM» a", "unknown instruction 'FORM'", "did you mean FROM?"),
            ("FROM a\nRUN x\n  «&&» y", "unknown instruction '&&'", "the line before has to end with \\"),
            (
                "FROM a\nRUN x &&\n  «apt-get» y", "unknown instruction 'apt-get'",
                "if it belongs to the instruction above, end the line before it with \\"
            ),
            ("«services:»\n", "unknown instruction 'services:'", "this is a Compose file: name it with -f"),
            ("«FROM»", "FROM needs an image", "write FROM image, or FROM scratch for an empty one"),
            ("FROM a «b»", "FROM takes an image, or an image, AS and a name", "write FROM image AS name"),
            ("FROM a «AS»", "FROM takes an image, or an image, AS and a name", nil),
            ("FROM a «#» comment", "FROM takes an image, or an image, AS and a name", nil),
            (
                "FROM a AS «1b»", "invalid stage name '1b'",
                "start with a letter, and use only letters, digits, '-', '_' and '.'"
            ),
            ("FROM a AS «b/c»", "invalid stage name 'b/c'", nil),
            ("FROM «--plattform=x» a", "FROM has no flag '--plattform'", "did you mean --platform?"),
            ("FROM a\nCOPY «a»", "COPY needs a source and a destination", "write COPY a /destination"),
            ("FROM a\n«COPY»", "COPY needs an argument", "write COPY source /destination"),
            ("FROM a\nCOPY «--form=x» a b", "COPY has no flag '--form'", "did you mean --from?"),
            (
                "FROM a\nCOPY --from=«$X» a b", "--from takes no variables",
                "give the image a stage of its own, `FROM $X AS name`, and write --from=name"
            ),
            ("FROM a\nCOPY «--from» a b", "--from needs a value", "write --from=…"),
            ("FROM a\nCOPY «--link=maybe» a b", "--link is true or false, not 'maybe'", "write --link or --link=false"),
            ("FROM a\nCOPY --chown=1 --chown=«2» a b", "duplicate flag --chown", "remove one of them"),
            ("FROM a\nCOPY «--checksum=x» a b", "COPY has no flag '--checksum'", nil),
            ("FROM a\nADD «--parents» a b", "ADD has no flag '--parents'", nil),
            (
                "FROM a\nCOPY «[\"a\", 1]»", "a list of arguments can only hold strings",
                "put each item in double quotes"
            ),
            ("FROM a\nCMD «[1]»", "a list of arguments can only hold strings", nil),
            ("FROM a\nRUN «[\"a\", null]»", "a list of arguments can only hold strings", nil),
            (
                "FROM a\nCOPY a «<<f»\nx\nf", "a heredoc cannot be the destination of COPY",
                "write the destination after it"
            ),
            (
                "FROM a\nRUN «<<EOF»\nx", "the heredoc 'EOF' has no end",
                "end it with a line that holds only EOF"
            ),
            ("FROM a\nRUN «<<EOF»\nx\n EOF", "the heredoc 'EOF' has no end", nil),
            ("FROM a\nRUN --network=«bridge» x", "unknown network mode 'bridge'", "use default, none, host"),
            (
                "FROM a\nRUN --security=«insecur» x", "unknown security mode 'insecur'",
                "did you mean 'insecure'?"
            ),
            ("FROM a\nRUN «--privileged» x", "RUN has no flag '--privileged'", nil),
            ("FROM a\nRUN --mount=type=«cahce»,target=/x y", "unknown mount type 'cahce'", "did you mean 'cache'?"),
            (
                "FROM a\nRUN --mount=type=cache,«tagret»=/x y", "unknown mount option 'tagret'",
                "did you mean 'target'?"
            ),
            ("FROM a\nRUN --mount=type=cache,«target» y", "'target' needs a value", "write target=…"),
            (
                "FROM a\nRUN --mount=type=cache,target=/x,sharing=«no» y", "unknown sharing mode 'no'",
                "use shared, private, locked"
            ),
            (
                "FROM a\nRUN --mount=type=cache,target=/x,mode=«9» y", "invalid file mode '9'",
                "write it in octal: mode=0755"
            ),
            ("FROM a\nRUN --mount=type=cache,target=/x,uid=«me» y", "'uid' needs a number, not 'me'", nil),
            (
                "FROM a\nRUN --mount=type=tmpfs,target=/x,size=«big» y", "invalid size 'big'",
                "write a number with k, m or g: size=64m"
            ),
            (
                "FROM a\nRUN --mount=target=/x,size=«1m» y", "a mount of type bind has no 'size'",
                "it belongs to mounts of type tmpfs"
            ),
            ("FROM a\nRUN --mount=target=/x,ro=«yes» y", "'readonly' is true or false, not 'yes'", nil),
            ("FROM a\nRUN --mount=«type=secret» y", "the secret has no name", "write --mount=type=secret,id=NAME"),
            ("FROM a\nRUN --mount=from=«$X»,target=/x y", "'from' of a mount takes no variables", nil),
            ("FROM a\n«ENV»", "ENV needs a name and a value", "write ENV NAME=value"),
            ("FROM a\nENV «A»", "'A' has no value", "write ENV A=value"),
            (
                "FROM a\nENV A=1 «B»", "'B' is not NAME=value",
                "put a value with spaces in double quotes: ENV NAME=\"a b\""
            ),
            ("FROM a\nENV «=1»", "'=1' is not NAME=value", nil),
            ("FROM a\nLABEL «a»", "'a' has no value", "write LABEL a=value"),
            ("FROM a\n«ARG»", "ARG needs a name", "write ARG NAME or ARG NAME=default"),
            ("FROM a\nARG «=1»", "an argument needs a name before the '='", nil),
            ("FROM a\nENV «--x» A=1", "ENV has no flag '--x'", "ENV has no flags"),
            ("FROM a\nSHELL «bash -c»", "SHELL takes a JSON list", "write SHELL [\"/bin/bash\", \"-c\"]"),
            ("FROM a\nSHELL «[]»", "SHELL takes a JSON list", nil),
            ("FROM a\n«WORKDIR»", "WORKDIR needs an argument", "write WORKDIR /app"),
            ("FROM a\n«USER»", "USER needs an argument", nil),
            ("FROM a\n«VOLUME»", "VOLUME needs an argument", nil),
            ("FROM a\nVOLUME «[\"\"]»", "a volume needs a path", nil),
            ("FROM a\n«EXPOSE»", "EXPOSE needs an argument", "write EXPOSE 8080"),
            ("FROM a\n«STOPSIGNAL»", "STOPSIGNAL needs an argument", nil),
            (
                "FROM a\n«HEALTHCHECK»", "HEALTHCHECK needs a command",
                "write HEALTHCHECK CMD command, or HEALTHCHECK NONE"
            ),
            ("FROM a\nHEALTHCHECK «curl» x", "HEALTHCHECK needs CMD or NONE, not 'curl'", nil),
            ("FROM a\nHEALTHCHECK «CMD»", "the health check has no command", nil),
            ("FROM a\nHEALTHCHECK NONE «x»", "HEALTHCHECK NONE takes no arguments", nil),
            (
                "FROM a\nHEALTHCHECK --interval=«5» CMD x", "invalid duration '5'",
                "write it with a unit: --interval=30s"
            ),
            ("FROM a\nHEALTHCHECK --timeout=«1us» CMD x", "--timeout is at least 1ms", nil),
            ("FROM a\nHEALTHCHECK --retries=«-1» CMD x", "invalid number of retries '-1'", nil),
            ("FROM a\n«ONBUILD»", "ONBUILD needs an instruction", nil),
            ("FROM a\nONBUILD «FROM» b", "ONBUILD cannot run FROM", nil),
            ("FROM a\nONBUILD «ONBUILD» RUN x", "ONBUILD cannot run ONBUILD", nil),
            ("FROM a\nONBUILD «RNU» x", "unknown instruction 'RNU'", "did you mean RUN?"),
            ("# escape=«x»\nFROM a", "invalid escape character 'x'", "use \\ or `"),
            (
                "# escape=`\n# escape=«`»\nFROM a", "duplicate directive 'escape'",
                "remove one of them"
            ),
            ("# check=«skp=all»\nFROM a", "invalid directive 'check': unknown option 'skp'", nil),
        ] as [(String, String, String?)])
    func mistake(marked: String, message: String, hint: String?) {
        let marked = Marked(marked)
        let (_, findings) = read(marked.text)
        #expect(findings.diagnostics.map(\.message) == [message])
        guard let found = findings.diagnostics.first else { return }
        if marked.place.length > 0 { #expect(found.place == marked.place) }
        #expect(found.severity == .error)
        if let hint { #expect(found.hint == hint) }
    }

    @Test("all mistakes of a file are told at once, in its order")
    func allAtOnce() {
        let (_, findings) = read("FROM a\nCPOY a b\nRUN --mount=type=cash,target=/x y\nENV A\nEXPOSE")
        #expect(findings.sorted.map { $0.place?.line } == [2, 3, 4, 5])
    }

    @Test("what belongs to a FROM that is wrong is not told to be outside of a stage")
    func headless() {
        #expect(read("FORM a\nRUN x\nCOPY a b").1.diagnostics.count == 1)
    }

    @Test("a line of more than 65,535 bytes is refused")
    func longLine() {
        let (_, findings) = read("FROM a\nRUN " + String(repeating: "x", count: 70_000))
        #expect(findings.diagnostics.map(\.message) == ["this line is longer than 65535 bytes"])
    }

    @Test("no bytes crash the reader", arguments: 0..<300)
    func noise(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let pieces = [
            "FROM ", "RUN ", "COPY ", "ENV ", "ARG ", "ONBUILD ", "<<EOF", "EOF", "\n", "\\\n", "--from=", "--mount=",
            "type=cache,",
            "[\"", "\"]", "'", "\"", "${", "}", ":-", "$", "#", " ", "\t", "a", "=", "\\", "`", "\u{0}", "\u{FFFD}",
            "ü", "HEALTHCHECK ",
            "CMD ", "# escape=`\n", "[", "]", ",", "\r\n",
        ]
        let text = (0..<random(60)).map { _ in pieces[random(pieces.count)] }.joined()
        let (build, _) = read(text)
        var findings = Findings(file: "Dockerfile")
        let arguments = BuildArguments(build, given: ["a": "b"], automatic: [:], findings: &findings)
        let bases = arguments.bases(of: build, findings: &findings)
        if !build.stages.isEmpty { _ = StageGraph(build, bases: bases, findings: &findings).order() }
        var checker = Checker(build, arguments: arguments, automatic: [:], ignored: nil) { _ in [:] }
        _ = checker.run()
    }
}
