import Glibc
import Linux
import Synchronization
import Testing

@Suite struct HearingTests {
    private let pool = BlockingPool(name: "hearing", limit: 2)

    @Test(arguments: [
        ("exec sleep infinity", true), ("trap : TERM; while :; do sleep 1; done", false),
        ("trap '' TERM; exec sleep infinity", true), ("while :; do :; done", false),
    ])
    func whatAProcessHandlesItHears(script: String, isDeaf: Bool) async throws {
        try await withChild("/bin/sh", ["sh", "-c", script]) { pid in
            // Until it is what the script makes of it.
            try await Task.sleep(for: .milliseconds(200))
            #expect(Hearing.isDeaf(pid, to: SIGTERM) == isDeaf)
        }
    }

    /// Each signal takes it out of its wait for a moment, in which the kernel shows yet another state.
    @Test func anInitThatIsWokenAgainAndAgainIsNotDeaf() async throws {
        let tests = try #require(CallingProcess.executablePath)
        let program = tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/berth-init"
        try await withChild(program, ["init", "/bin/sleep", "infinity"]) { pid in
            // Before its first wait it blocks what it will wait for: from then on there is a command.
            while ProcessTree.children(of: pid).isEmpty {
                try #require(try !ProcessStatus(of: pid).isZombie)
                try await Task.sleep(for: .milliseconds(5))
            }
            let isDone = Atomic(false)
            async let waking: Void = pool.runInfallible {
                while !isDone.load(ordering: .relaxed) { kill(pid, SIGWINCH) }
            }
            let verdicts = await pool.runInfallible { (0..<500).count { _ in Hearing.isDeaf(pid, to: SIGTERM) } }
            isDone.store(true, ordering: .relaxed)
            await waking
            #expect(verdicts == 0)
            // It passes the signal on: its command goes first.
            kill(pid, SIGTERM)
            while try !ProcessStatus(of: pid).isZombie { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    private func withChild(_ path: String, _ arguments: [String], _ body: (CInt) async throws -> Void) async throws {
        let pid = try spawnProcess(path, arguments: arguments)
        defer {
            for child in ProcessTree.children(of: pid) { kill(child, SIGKILL) }
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        try await body(pid)
    }
}
