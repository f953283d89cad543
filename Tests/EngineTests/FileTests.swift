import Engine
import EngineWire
import Glibc
import Images
import Linux
import Testing

@Suite("Files of a container")
struct FileTests {
    /// An engine with a container of no start.
    private func with(_ body: (SimulatedEngine, String) async throws -> Void) async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.create(UpOptions()), [SimulatedEngine.service("web")])
            try await body(simulated, "demo-web-1")
        }
    }

    private func pipe(_ text: String) throws -> CInt {
        var pipe = try DescriptorPair.pipe()
        try pipe.takeSecond().write(text.utf8)
        return pipe.takeFirst().release()
    }

    @Test("go in and out, differ, and make an image")
    func inAndOut() async throws {
        try await with { simulated, name in
            let engine = simulated.engine
            try await engine.copyIn(pipe("a/b\nc\n"), to: "/", in: name, keepsKinds: true)
            #expect(try await engine.fileStatus("/a/b", of: name).name == "b")
            #expect(try await engine.file("/a", of: name).isFolder)
            var ends = try DescriptorPair.pipe()
            try await engine.copyOut("/a", as: nil, of: name, to: ends.takeSecond().release())
            #expect(try ends.takeFirst().readToEnd() == Array("a/b\n".utf8))
            #expect(try await engine.changedFiles(of: name) == [.init(.added, "/a/b"), .init(.added, "/c")])
            let image = try await engine.commit(name, CommitRequest(reference: "made"))
            #expect(try await engine.images().contains { $0.reference == "made:latest" && $0.id == image.id })
        }
    }

    @Test("that are not there, and containers that are not there, are told apart from all else")
    func missing() async throws {
        try await with { simulated, name in
            for path in ["/nosuch", "/nosuch/"] {
                let failure = await #expect(throws: EngineFailure.self) {
                    try await simulated.engine.fileStatus(path, of: name)
                }
                #expect(failure?.code == .notFound)
            }
            let failure = await #expect(throws: EngineFailure.self) {
                try await simulated.engine.copyIn(try pipe("x\n"), to: "/nosuch", in: name, keepsKinds: true)
            }
            #expect(failure?.code == .notFound)
            // A descriptor that nobody took is closed as well.
            var ends = try DescriptorPair.pipe()
            let sink = ends.takeSecond().release()
            await #expect(throws: EngineFailure.self) {
                try await simulated.engine.copyOut("/", as: "", of: "nobody", to: sink)
            }
            #expect(try ends.takeFirst().readToEnd().isEmpty)
        }
    }

    @Test("a commit lets the container stand still, and go on also when it fails", arguments: [false, true])
    func pauses(fails: Bool) async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            if fails {
                var faults = SimulatedMachine.Faults()
                faults.createFails = 1000
                simulated.machine.setFaults(faults)
            }
            do {
                _ = try await simulated.engine.commit("demo-web-1", CommitRequest())
                #expect(!fails)
            } catch { #expect(fails) }
            let journal = simulated.machine.world.journal
            #expect(journal.contains { $0.hasPrefix("paused") } && journal.last?.hasPrefix("running") == true)
        }
    }
}
