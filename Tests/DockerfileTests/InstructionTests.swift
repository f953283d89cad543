import Dockerfile
import Testing
import YAML

@Suite("Instructions are understood") struct InstructionTests {
    @Test(
        "one by one",
        arguments: [
            ("RUN echo hi", "run shell(echo hi)"), ("run  echo   hi ", "run shell(echo   hi)"),
            ("RUN [\"echo\", \"hi\"]", "run exec[\"echo\", \"hi\"]"), ("RUN ['echo']", "run shell(['echo'])"),
            ("RUN [\"a\"", "run shell([\"a\")"), ("RUN [\"a\"] x", "run shell([\"a\"] x)"),
            ("RUN a \\\n  b", "run shell(a   b)"),
            ("RUN a \\\n# comment\n  b", "run shell(a   b)"), ("RUN a \\ \n b", "run shell(a  b)"),
            ("RUN a \\\\\nRUN b", "run shell(a \\\\)"),
            ("RUN a \\\n\n b", "run shell(a  b)"), ("RUN --network=none x", "run shell(x) network none"),
            ("RUN --security=insecure x", "run shell(x) security insecure"),
            ("RUN --mount=type=cache,target=/c x", "run shell(x) mount[type=cache,target=/c]"),
            ("RUN --mount=target=/a --mount=target=/b x", "run shell(x) mount[target=/a] mount[target=/b]"),
            ("RUN --mount='target=/a b' x", "run shell(x) mount[target=/a b]"), ("RUN -- --x", "run shell(--x)"),
            ("RUN <<EOF\necho 1\necho 2\nEOF", "run shell(<<EOF) <EOF|echo 1\necho 2\n>"),
            ("RUN <<-EOF\n\techo\n\tEOF", "run shell(<<-EOF) <EOF|echo\n>"),
            ("RUN <<'EOF' cat\n$x\nEOF", "run shell(<<'EOF' cat) <EOF|$x\n>"),
            ("RUN cat <<A <<B\n1\nA\n2\nB", "run shell(cat <<A <<B) <A|1\n> <B|2\n>"),
            ("RUN echo '<<EOF'", "run shell(echo '<<EOF')"),
            ("RUN cat 3<<EOF\nx\nEOF", "run shell(cat 3<<EOF) <EOF|x\n>"),
            ("RUN echo $((1<<2))", "run shell(echo $((1<<2)))"),
            ("RUN << EOF\nx\nEOF", "run shell(<< EOF) <EOF|x\n>"),
            ("COPY a b /c/", "copy [a] [b] to [/c/]"), ("COPY [\"a b\", \"/c\"]", "copy [a b] to [/c]"),
            (
                "COPY --from=x --chown=1:2 --chmod=755 --link --parents a b",
                "copy [a] to [b] from x owner 1:2 mode 755 linked parents"
            ),
            ("COPY --link=false a b", "copy [a] to [b]"),
            ("COPY --exclude=*.o --exclude=x a b", "copy [a] to [b] but [*.o] [x]"),
            ("COPY <<f /f\nhi $A\nf", "copy <f|hi $A\n|true> to [/f]"),
            ("COPY <<\"f\" /f\nhi\nf", "copy <f|hi\n|false> to [/f]"),
            ("COPY a <<f b /d/\nx\nf", "copy [a] <f|x\n|true> [b] to [/d/]"),
            ("COPY a \\\n --x b", "copy [a] [--x] to [b]"),
            (
                "ADD --checksum=sha256:1 --unpack=false --keep-git-dir u /",
                "add [u] to [/] checksum sha256:1 unpack false git true"
            ),
            ("ENV A=1 B=\"2 3\" C='4'", "env [A]=[1] [B]=[\"2 3\"] [C]=['4']"), ("ENV A 1  2", "env [A]=[1  2]"),
            ("ENV A=a\\ b C=", "env [A]=[a\\ b] [C]=[]"), ("ENV A=b=c", "env [A]=[b=c]"),
            ("LABEL a.b=c \"d e\"=f", "label [a.b]=[c] [\"d e\"]=[f]"),
            ("ENV A=1 \\\n    B=2", "env [A]=[1] [B]=[2]"), ("ARG A", "arg [A]"),
            ("ARG A=1 B C=\"x y\"", "arg [A]=[1] [B] [C]=[\"x y\"]"),
            ("CMD [\"a\"]", "cmd exec[\"a\"]"), ("CMD []", "cmd exec[]"), ("CMD a b", "cmd shell(a b)"),
            ("ENTRYPOINT [\"a\", \"b\"]", "entrypoint exec[\"a\", \"b\"]"),
            ("ENTRYPOINT", "entrypoint shell()"), ("SHELL [\"/bin/bash\", \"-c\"]", "shell [\"/bin/bash\", \"-c\"]"),
            ("WORKDIR /a b", "workdir [/a b]"), ("USER a:b", "user [a:b]"), ("VOLUME /a /b", "volume [/a] [/b]"),
            ("VOLUME [\"/a b\"]", "volume [/a b]"),
            ("EXPOSE 80 443/udp", "expose [443/udp] [80]"), ("STOPSIGNAL SIGINT", "stopsignal [SIGINT]"),
            ("MAINTAINER A B <c>", "maintainer [A B <c>]"),
            ("HEALTHCHECK NONE", "healthcheck none"), ("HEALTHCHECK CMD a b", "healthcheck shell(a b) - - - - 0"),
            (
                "HEALTHCHECK --interval=1m --timeout=500ms --start-period=0 --retries=4 CMD [\"a\"]",
                "healthcheck exec[\"a\"] 60.0 seconds 0.5 seconds - - 4"
            ),
            ("ONBUILD RUN a", "onbuild [RUN a] run shell(a)"),
            ("ONBUILD COPY --from=x a b", "onbuild [COPY --from=x a b] copy [a] to [b] from x"),
            ("ONBUILD RUN <<E\nx\nE", "onbuild [RUN <<E\nx\nE] run shell(<<E) <E|x\n>"),
            ("\tRUN tab", "run shell(tab)"), ("RUN\ta", "run shell(a)"), ("RUN a\r\n", "run shell(a)"),
            ("rUn a", "run shell(a)"),
            ("RUN echo \"# no comment\"", "run shell(echo \"# no comment\")"),
            ("RUN a \\\n  # comment\n  && b", "run shell(a   && b)"),
        ])
    func instruction(line: String, expected: String) throws {
        let (build, findings) = read("FROM x\n" + line)
        #expect(findings.diagnostics == [])
        #expect(try describe(#require(build.stages.first?.instructions.first)) == expected)
    }

    @Test(
        "FROM",
        arguments: [
            ("FROM a", "from a"), ("FROM a:1 AS b", "from a:1 as b"), ("from a as B-1_x.y", "from a as B-1_x.y"),
            ("FROM --platform=linux/arm64 a", "from a on linux/arm64"), ("FROM  a  AS  b ", "from a as b"),
            ("\u{FEFF}FROM a", "from a"),
            ("# escape=`\nFROM a", "from a"), ("#!/usr/bin/env x\n# syntax=y\nFROM a", "from a"),
            ("# hello\n\nFROM a", "from a"),
            ("FROM \\\n a", "from a"), ("ARG A\nFROM $A", "from $A"),
        ])
    func from(text: String, expected: String) throws {
        let (build, findings) = read(text)
        #expect(findings.diagnostics == [])
        #expect(try describe(#require(build.stages.first?.instruction)) == expected)
    }

    @Test("a backtick continues lines where the file says so, and a backslash then does not")
    func backtick() {
        let (build, findings) = read("# escape=`\nFROM a\nCOPY a `\n C:\\\nRUN b")
        #expect(findings.diagnostics == [])
        #expect(build.stages[0].instructions.map(describe) == ["copy [a] to [C:\\]", "run shell(b)"])
    }

    @Test("directives stand before everything else")
    func directives() throws {
        #expect(read("# escape=`\nFROM a").0.directives.escape == "`")
        #expect(read("# ESCAPE = ` \nFROM a").0.directives.escape == "`")
        #expect(read("# hello\n# escape=`\nFROM a").0.directives.escape == "\\")
        #expect(read("\n# escape=`\nFROM a").0.directives.escape == "\\")
        #expect(read("# unknown=1\n# escape=`\nFROM a").0.directives.escape == "\\")
        #expect(
            read("# syntax=docker/dockerfile:1\n# escape=`\nFROM a").0.directives.syntax?.text == "docker/dockerfile:1")
        #expect(
            try read("# check=skip=JSONArgsRecommended,StageNameCasing;error=true\nFROM a").0.directives.check
                == CheckOptions("skip=JSONArgsRecommended, StageNameCasing ;error=true // for now"))
    }

    @Test("comments above an instruction belong to it, an empty line parts them")
    func comments() {
        let (build, _) = read("FROM a\n# one\n\n# two\n# three\nRUN x")
        #expect(build.stages[0].instructions[0].comments.map(\.text) == ["two", "three"])
    }

    @Test("stages and what stands before them")
    func stages() {
        let (build, _) = read("ARG A=1\nARG B\nFROM a AS One\nRUN x\nFROM b\nRUN y\nRUN z")
        #expect(build.globalArguments.count == 2)
        #expect(build.stages.map(\.title) == ["one", "stage-1"])
        #expect(build.stages.map(\.instructions.count) == [1, 2])
    }
}
