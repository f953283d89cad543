import Builder
import EngineWire
import Testing

/// What a build is going to do, in the order of its file.
@Suite struct BuildOutlineTests {
    private func outline(_ text: String, target: String? = nil) throws -> [BuildOutline.Step] {
        var request = BuildRequest(title: "t", dockerfile: text, file: "Dockerfile")
        request.target = target
        return try BuildOutline(request).steps
    }

    @Test("stages that the target needs are listed in the order of the file, with what events tell of")
    func steps() throws {
        let text = """
            ARG BASE=busybox
            FROM $BASE AS tool
            RUN make \\
                all
            FROM busybox AS other
            RUN true
            FROM tool
            WORKDIR /x
            ENV A=b
            COPY --from=tool /x /y
            """
        let all = try outline(text)
        #expect(
            all == [
                .init(stage: nil, line: 1, text: "ARG BASE=busybox", isToldOf: false),
                .init(stage: 0, line: 2, text: "FROM $BASE AS tool", isToldOf: true),
                .init(stage: 0, line: 3, text: "RUN make     all", isToldOf: true),
                .init(stage: 2, line: 7, text: "FROM tool", isToldOf: false),
                .init(stage: 2, line: 8, text: "WORKDIR /x", isToldOf: true),
                .init(stage: 2, line: 9, text: "ENV A=b", isToldOf: false),
                .init(stage: 2, line: 10, text: "COPY --from=tool /x /y", isToldOf: true),
            ], "\(all)")
        #expect(try outline(text, target: "other").map(\.line) == [1, 5, 6])
    }

    @Test("what is wrong with the file or its target is told with its place")
    func mistakes() {
        let unknown = #expect(throws: BuildFailure.self) { try outline("FROM busybox\nRUM x\n") }
        #expect(unknown?.notes.first?.place?.line == 2)
        #expect(throws: BuildFailure.self) { try outline("FROM busybox\n", target: "none") }
        #expect(throws: BuildFailure.self) { try outline("") }
    }
}
