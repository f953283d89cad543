import Glibc
import Images
import JSON
import OCI
import Testing

private let empty = TarWriter.archive { _ in }

/// The execution part of an image imported with `changes`, as JSON.
private func execution(_ changes: [String]) async throws -> String {
    var json = ""
    try await withStore { store, _ in
        let image = try await store.importArchive(from: stream(empty), reference: Reference("x"), changes: changes)
        json = String(decoding: try encodeJSON(image.config.config ?? .init()), as: UTF8.self)
    }
    return json
}

@Suite(.enabled(if: isPrivileged)) struct ImageChangeTests {
    @Test(arguments: [
        (["CMD [\"sh\", \"-c\", \"date\"]"], #"{"Cmd":["sh","-c","date"]}"#),
        (["cmd echo \"hi\" $HOME"], #"{"Cmd":["/bin/sh","-c","echo \"hi\" $HOME"]}"#),
        (["ENTRYPOINT [\"/x\"]", "CMD []"], #"{"Entrypoint":["/x"],"Cmd":[]}"#),
        (
            ["SHELL [\"/bin/bash\",\"-ec\"]", "CMD x y"],
            #"{"Cmd":["/bin/bash","-ec","x y"],"Shell":["/bin/bash","-ec"]}"#
        ),
        (
            ["ENV A=1 B=\"two words\" C='$A'", "ENV D=$A-${B:-x}-${E:-y}"],
            #"{"Env":["A=1","B=two words","C=$A","D=1-two words-y"]}"#
        ),
        (["ENV A some text", "ENV A=2"], #"{"Env":["A=2"]}"#),
        (["EXPOSE 80 53/udp 9000-9001"], #"{"ExposedPorts":{"53/udp":{},"80/tcp":{},"9000/tcp":{},"9001/tcp":{}}}"#),
        (["USER postgres:staff"], #"{"User":"postgres:staff"}"#),
        (["WORKDIR /a", "WORKDIR b/../c"], #"{"WorkingDir":"/a/c"}"#),
        (["VOLUME /data /log", "VOLUME [\"/x y\"]"], #"{"Volumes":{"/data":{},"/log":{},"/x y":{}}}"#),
        (["LABEL a.b=c \"d e\"=\"f\""], #"{"Labels":{"a.b":"c","d e":"f"}}"#),
        (["STOPSIGNAL SIGQUIT"], #"{"StopSignal":"SIGQUIT"}"#),
        (["HEALTHCHECK NONE"], #"{"Healthcheck":{"Test":["NONE"]}}"#),
        (
            [
                "HEALTHCHECK --interval=1m30s --timeout=500ms --retries=5 --start-period=0s --start-interval=2s CMD pg_isready -U x"
            ],
            #"{"Healthcheck":{"Test":["CMD-SHELL","pg_isready -U x"],"Interval":90000000000,"Timeout":500000000,"StartPeriod":0,"StartInterval":2000000000,"Retries":5}}"#
        ),
        (["HEALTHCHECK CMD [\"true\"]"], #"{"Healthcheck":{"Test":["CMD","true"]}}"#),
        (["ONBUILD RUN make"], #"{"OnBuild":["RUN make"]}"#),
    ])
    func aChangeSaysHowContainersRun(_ changes: [String], _ json: String) async throws {
        #expect(try await execution(changes) == json)
    }

    @Test(arguments: [
        ("RUN make", "RUN is none of CMD, ENTRYPOINT"),
        ("", "it is empty"),
        ("CMD", "CMD needs an argument"),
        ("EXPOSE http", "\"http\" is not a port"),
        ("EXPOSE 70000", "is not a port"),
        ("EXPOSE 90-80", "is not a port"),
        ("ENV A", "\"A\" has no value"),
        ("ENV A=1 B", "\"B\" is not of the form name=value"),
        ("ENV A=\"x", "a quote is not closed"),
        ("USER a b", "it takes one argument"),
        ("SHELL /bin/sh", "SHELL takes a JSON array"),
        ("STOPSIGNAL 99", "is not a signal"),
        ("HEALTHCHECK --interval=1 CMD x", "\"1\" is not a duration"),
        ("HEALTHCHECK --interval=1us CMD x", "less than a millisecond"),
        ("HEALTHCHECK --often CMD x", "--often needs a value"),
        ("HEALTHCHECK --often=1 CMD x", "unknown flag --often"),
        ("HEALTHCHECK pg_isready", "NONE or CMD is expected"),
        ("ONBUILD FROM x", "FROM is not allowed in ONBUILD"),
    ])
    func aWrongChangeIsRefusedAndNamed(_ change: String, _ reason: String) async throws {
        let error = await #expect(throws: ImageError.self) { try await execution([change]) }
        #expect(error?.description.hasPrefix("change \"\(change)\": ") == true)
        expectText(error, has: reason)
    }
}
