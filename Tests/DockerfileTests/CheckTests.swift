import Dockerfile
import Testing
import YAML

@Suite("Checks warn as the reference's do") struct CheckTests {
    private func check(
        _ text: String, ignoring: String? = nil, given: [String: String] = [:], options: CheckOptions? = nil
    ) -> [Diagnostic] {
        var (build, findings) = read(text)
        let automatic = BuildArguments.automatic(build, target: nil, stage: nil)
        let arguments = BuildArguments(build, given: given, automatic: automatic, findings: &findings)
        #expect(findings.diagnostics == [])
        let ignored = ignoring.map { IgnoreFile(file: ".dockerignore", bytes: Array($0.utf8), findings: &findings) }
        var checker = Checker(
            build, options: options, arguments: arguments, automatic: automatic, ignored: ignored
        ) { _ in ["PATH": "/bin"] }
        return checker.run()
    }

    @Test(
        "each finds what it is for",
        arguments: [
            ("FROM a AS «Build»", "StageNameCasing"), ("FROM a «as» b", "FromAsCasing"),
            ("from a «AS» b", "FromAsCasing"),
            ("FROM a\nRUN x\n«run» y", "ConsistentInstructionCasing"),
            ("FROM a\n«Run» x", "ConsistentInstructionCasing"),
            ("FROM a AS b\nFROM c AS «b»", "DuplicateStageName"), ("FROM a AS «scratch»", "ReservedStageName"),
            ("FROM a AS «context»", "ReservedStageName"), ("FROM a\n«CMD» x", "JSONArgsRecommended"),
            ("FROM a\n«ENTRYPOINT» x y", "JSONArgsRecommended"),
            ("FROM a\n«MAINTAINER» x", "MaintainerDeprecated"), ("FROM a:«$V»\n", "UndefinedArgInFrom"),
            ("FROM a\nWORKDIR «app»", "WorkdirRelativePath"), ("FROM a\nCOPY a «$DEST»", "UndefinedVar"),
            ("FROM a\nENV A=x«${B}»y", "UndefinedVar"),
            ("FROM a\nENV A=1 B=«$A»", "UndefinedVar"),
            ("FROM a\n«CMD» [\"a\"]\nCMD [\"b\"]", "MultipleInstructionsDisallowed"),
            ("FROM a\n«ENV» A 1", "LegacyKeyValueFormat"), ("FROM a\n«LABEL» a b", "LegacyKeyValueFormat"),
            ("FROM --platform=«$TARGETPLATFORM» a", "RedundantTargetPlatform"),
            ("FROM --platform=«linux/arm64» a", "FromPlatformFlagConstDisallowed"),
            ("FROM a\nARG «DB_PASSWORD»", "SecretsUsedInArgOrEnv"),
            ("FROM a\nENV «API_TOKEN»=x", "SecretsUsedInArgOrEnv"),
            ("ARG V=\nFROM «a:$V»", "InvalidDefaultArgInFrom"), ("ARG V\nFROM «a:$V»", "InvalidDefaultArgInFrom"),
            ("FROM a\nEXPOSE «80/TCP»", "ExposeProtoCasing"), ("FROM a\nEXPOSE «8080:80»", "ExposeInvalidFormat"),
            ("FROM a\nRUN x \\\n«»\n y", "NoEmptyContinuation"),
            ("FROM a AS b\nARG X\nFROM b\nRUN y\nCOPY a «$Y»", "UndefinedVar"),
            ("# check=experimental=all\n# the version\n«ARG» X=1\nFROM a", "InvalidDefinitionDescription"),
            (
                "# check=experimental=InvalidDefinitionDescription\n\n# tools\n«FROM» a AS b",
                "InvalidDefinitionDescription"
            ),
            ("# check=skip=all;experimental=all\n# see Y\n«FROM» a AS B", "InvalidDefinitionDescription"),
            ("FROM a\n# check=skip=SecretsUsedInArgOrEnv\nENV TOKEN=1\nENV «TOKEN»=2", "SecretsUsedInArgOrEnv"),
        ])
    func finds(marked: String, name: String) {
        let marked = Marked(marked)
        let found = check(marked.text, given: marked.text.contains("ARG V") ? ["V": "1"] : [:])
        // An undeclared argument makes no image of its default, too.
        #expect(
            found.filter { !($0.message.hasSuffix("(InvalidDefaultArgInFrom)") && name == "UndefinedArgInFrom") }.map(
                \.message.suffixName) == [name])
        guard let place = found.first(where: { $0.message.suffixName == name })?.place else { return }
        #expect(place.line == marked.place.line)
        #expect(place.column == marked.place.column)
        if marked.place.length > 0 { #expect(place.length == marked.place.length) }
    }

    @Test(
        "each is silent where all is well",
        arguments: [
            "FROM a AS b", "from a as b\nrun x", "FROM a\nCMD [\"x\"]", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x",
            "ARG V=1\nFROM a:$V",
            "FROM a\nWORKDIR /app\nWORKDIR src", "FROM a\nARG X\nCOPY a $X", "FROM a\nENV X=1\nENV Y=$X",
            "FROM a\nENV X=$PATH:/x", "FROM a\nRUN echo $UNDEFINED",
            "FROM --platform=$BUILDPLATFORM a", "FROM --platform=linux/arm64 a AS build-arm64",
            "FROM a\nARG PASSWORD_FILE", "FROM a\nARG PUBLIC_KEY",
            "FROM a\nARG MONKEY", "FROM a\nEXPOSE 80/udp", "FROM a AS b\nARG X=1\nFROM b\nCOPY a $X",
            "FROM a\nCOPY a $HTTP_PROXY", "FROM a\nENV A=1 B=2",
            "FROM a\nENV A=${X:-1}\nARG X", "# check=skip=all\nFROM a AS B\nMAINTAINER x",
            "# check=skip=StageNameCasing\nFROM a AS B",
            "FROM scratch\nENV A=b", "ARG SUFFIX\nFROM a${SUFFIX}", "FROM a-$TARGETARCH",
            "FROM --platform=$BUILDPLATFORM a",
            "FROM a\n# check=skip=JSONArgsRecommended # signals do not matter\nCMD x",
            "# check=skip=StageNameCasing\nFROM a AS B", "FROM a\n# check=skip=all\nENV TOKEN=1",
            "FROM a\n# check=skip=MultipleInstructionsDisallowed\nCMD [\"a\"]\nCMD [\"b\"]",
            "# the version\nARG X=1\nFROM a", "# check=experimental=all\n# X is the version\nARG X=1\nFROM a",
            "# check=experimental=all\n# old\n\nARG X=1\nFROM a",
        ])
    func silent(text: String) {
        #expect(
            check(text).filter { $0.message.suffixName != "UndefinedVar" || !text.contains(":-") }.map(\.message) == [])
    }

    @Test(
        "files that the ignore file leaves out",
        arguments: [
            ("COPY «secret.txt» /", "secret.txt", true), ("COPY a /", "secret.txt", false),
            ("COPY «dir/x» /", "dir", true),
            ("COPY . /", "a", false), ("COPY «.» /", "**", true), ("COPY --from=b secret.txt /", "secret.txt", false),
            ("COPY secret.txt /", "*\n!secret.txt", false), ("ADD https://x/secret.txt /", "*.txt", false),
        ])
    func ignored(line: String, ignore: String, isFound: Bool) {
        let marked = Marked("FROM a\n" + line)
        let found = check(marked.text, ignoring: ignore)
        #expect(found.map(\.message.suffixName) == (isFound ? ["CopyIgnoredFile"] : []))
        if isFound { #expect(found.first?.place == marked.place) }
    }

    @Test("findings are errors where the file asks for that")
    func errors() {
        #expect(check("# check=error=true\nFROM a AS B").map(\.severity) == [.error])
    }

    @Test("options from outside stand in for those of the file")
    func options() throws {
        let text = "# check=skip=all\nFROM a as B"
        let found = try check(text, options: CheckOptions("skip=FromAsCasing;error=true"))
        #expect(found.map(\.message.suffixName) == ["StageNameCasing"] && found.map(\.severity) == [.error])
        #expect(throws: CheckOptions.Failure.self) { try CheckOptions("skips=all") }
        #expect(throws: CheckOptions.Failure.self) { try CheckOptions("error=maybe") }
    }

    @Test("a name near the unknown one is offered")
    func near() {
        #expect(check("FROM a\nARG VERSION=1\nCOPY a $VERSON").map(\.hint) == ["did you mean '$VERSION'?"])
        #expect(check("ARG VERSION=1\nFROM a:${VERSON:-2}").map(\.hint) == ["did you mean 'VERSION'?"])
        #expect(check("FROM --platform=$BULIDPLATFORM a").map(\.hint) == ["did you mean 'BUILDPLATFORM'?"])
        #expect(check("FROM a\nENV A 'b c'").map(\.hint) == ["write ENV A='b c'"])
    }
}

extension String {
    /// The name of the check between the parentheses at the end.
    var suffixName: String { String(split(separator: "(").last?.dropLast() ?? "") }
}
