import Glibc
import Images
import Linux
import Testing

@Suite(.enabled(if: isPrivileged)) struct CancelTests {
    @Test("who gives up an import does not wait for the layer under way", .timeLimit(.minutes(1)))
    func importing() async throws {
        try await withTemporaryFolder { folder in
            // A worker that never comes to an end, and says that it began.
            let program = "\(folder)/worker"
            let script = "#!/bin/sh\necho $$ > \(folder)/began\nexec sleep infinity\n"
            try writeFileAtomically(program, Array(script.utf8), mode: 0o755)
            let store = try ImageStore(
                root: "\(folder)/store", blockingOn: BlockingPool(name: "test", limit: 4),
                unpackWorker: .process(program: program))
            let archive = TarWriter.archive { $0.file("a", "b") }
            let work = Task { try await store.importArchive(from: stream(archive), reference: Reference("x")) }
            while !fileExists("\(folder)/began") { try await Task.sleep(for: .milliseconds(5)) }
            work.cancel()
            await #expect(throws: CancellationError.self) { try await work.value }
        }
    }

    @Test(
        "a leash that is cut before its worker is there ends it too", .timeLimit(.minutes(1)), arguments: [true, false])
    func leash(isCutBefore: Bool) async throws {
        let leash = WorkerLeash()
        if isCutBefore { leash.cut() }
        let pool = BlockingPool(name: "test", limit: 1)
        async let outcome = pool.run {
            try ConfinedWorker.run(
                "/bin/sleep", arguments: ["sleep", "infinity"], environment: [], descriptors: [:], outputLimit: 10,
                leash: leash)
        }
        if !isCutBefore {
            try await Task.sleep(for: .milliseconds(50))
            leash.cut()
        }
        #expect(try await outcome.mishap == "was killed by signal 9")
        #expect(leash.isCut)
    }
}
