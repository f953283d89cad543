import Glibc
import Linux
import Testing

/// The engine's program as this build made it, beside the tests.
private let program: String = {
    let tests = CallingProcess.executablePath ?? ""
    return "\(tests.prefix(upTo: tests.lastSlash ?? tests.startIndex))/berthd"
}()

/// `berthd` as a program: what it takes, what it says, and how it ends when it does not run.
@Suite(.enabled(if: fileExists(program))) struct ProgramTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        var environment: [String] = []
        /// What the configuration file holds.
        var file = "{}"
        let status: Int
        /// Parts of what it says.
        let says: [String]
        var testDescription: String { "\(arguments) \(environment) \(file)" }
    }

    private static let rows = [
        Row(
            arguments: ["--help"], status: 0,
            says: ["Usage: berthd [flags]", "--root VALUE", "BERTH_ROOT", "--check"]),
        Row(arguments: ["-h"], status: 0, says: ["Usage: berthd [flags]"]),
        Row(arguments: ["--version"], status: 0, says: ["berthd version "]),
        Row(arguments: ["--schema"], status: 0, says: ["\"$schema\"", "idle-exit"]),
        Row(arguments: ["--settings"], status: 0, says: ["idle-exit", "BERTH_IDLE_EXIT"]),
        Row(arguments: ["--check"], status: 0, says: ["the configuration has no errors"]),
        Row(
            arguments: ["--nosuch"], status: 2,
            says: ["there is no flag --nosuch", "berthd --help lists them"]),
        Row(arguments: ["extra"], status: 2, says: ["there is no flag extra"]),
        Row(arguments: ["--idle-exit"], status: 2, says: ["--idle-exit needs a value"]),
        Row(
            arguments: ["--check", "--idle-exit", "x"], status: 1,
            says: ["--idle-exit: expected a number of seconds"]),
        Row(
            arguments: ["--check", "--idle-exit=-1"], status: 1,
            says: ["--idle-exit: expected a number of seconds"]),
        Row(
            arguments: ["--check"], environment: ["BERTH_IDLE_EXIT=soon"], status: 1,
            says: ["BERTH_IDLE_EXIT", "expected a number of seconds", "soon"]),
        Row(
            arguments: ["--check"], file: "{\n  \"idle-exit\": \"x\"\n}", status: 1,
            says: [":2:16: idle-exit: expected a number of seconds"]),
        Row(
            arguments: ["--check"], file: "{\"idle-exti\": 5}", status: 1,
            says: [":1:2: ", "idle-exti", "idle-exit"]),
        Row(arguments: ["--check"], file: "{", status: 1, says: [":1:2"]),
        Row(arguments: ["--check", "--config", "/nosuch/file"], status: 1, says: ["/nosuch/file"]),
        Row(
            arguments: ["--check", "--config-file", "/nosuch"], status: 1, says: ["no configuration of dockerd /nosuch"]
        ),
        Row(
            arguments: ["--check", "--config-file=nosuch"], status: 1,
            says: ["no configuration of dockerd /", "/nosuch"]),
        Row(arguments: ["--root", "relative"], status: 1, says: ["--root: expected an absolute path"]),
    ]

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/berth-program-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        try body(folder)
    }

    private func run(_ arguments: [String], _ environment: [String], in folder: String) throws -> (
        status: Int, said: String
    ) {
        let output = try openFile("\(folder)/said", O_RDWR | O_CREAT | O_TRUNC)
        let pid = try spawnProcess(
            program, arguments: ["berthd"] + arguments,
            environment: ["BERTH_ROOT=\(folder)/root", "BERTH_RUN=\(folder)/run"] + environment,
            descriptors: [1: output.raw, 2: output.raw])
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        return (status & 0x7F == 0 ? Int(status >> 8 & 0xFF) : -1, try readText("\(folder)/said"))
    }

    @Test("says what is wrong where, and ends as its page tells", arguments: rows)
    func row(_ row: Row) throws {
        try withFolder { folder in
            try writeFileAtomically("\(folder)/config.json", Array(row.file.utf8))
            let (status, said) = try run(
                row.arguments, ["BERTH_CONFIG=\(folder)/config.json"] + row.environment, in: folder)
            #expect(status == row.status, "\(said)")
            for part in row.says { #expect(said.contains(part), "\(said)") }
        }
    }

    @Test(
        "a second engine on one root ends with 3, and names the first", .enabled(if: geteuid() == 0))
    func locked() throws {
        try withFolder { folder in
            try makeFolders("\(folder)/root", mode: 0o700)
            guard let lock = try FileLock.attempt("\(folder)/root/lock") else {
                Issue.record("the lock of a new folder is taken")
                return
            }
            let (status, said) = try run([], [], in: folder)
            #expect(status == 3, "\(said)")
            #expect(said.contains("another engine uses \(folder)/root"), "\(said)")
            _ = consume lock
        }
    }
}
