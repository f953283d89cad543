import Glibc
import Linux
import Testing

/// The runtime's program as this build made it, beside the tests.
private let program: String = {
    let tests = CallingProcess.executablePath ?? ""
    return "\(tests.prefix(upTo: tests.lastSlash ?? tests.startIndex))/berth-runtime"
}()

/// `berth-runtime` as a program, without rights and without containers: what it takes, what it says, and how it ends.
@Suite(.enabled(if: fileExists(program))) struct ProgramTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        var status = 2
        /// Part of what it says on either stream.
        let says: String
        var testDescription: String { "\(arguments)" }

        init(_ arguments: String..., status: Int = 2, says: String) {
            self.arguments = arguments
            self.status = status
            self.says = says
        }
    }

    private static let rows = [
        Row("--version", status: 0, says: "spec: 1.2.0"),
        Row("-v", status: 0, says: "berth-runtime version "),
        Row("--help", status: 0, says: "usage: berth-runtime"),
        Row("-h", status: 0, says: "steps ID"),
        Row("help", status: 0, says: "usage: berth-runtime"),
        Row(says: "a verb (see berth-runtime help) is missing"),
        Row("dance", says: "unknown verb \"dance\""),
        Row("--dance", says: "unknown flag --dance"),
        Row("--root", says: "--root needs a value"),
        Row("--log-format", "xml", "list", says: "--log-format is text or json, not \"xml\""),
        Row("--log-format=xml", "list", says: "--log-format is text or json, not \"xml\""),
        Row("--debug=1", "list", says: "--debug takes no value"),
        Row("--systemd-cgroup", "--debug", "--log-level", "info", "--rootless=auto", "list", status: 0, says: "STATUS"),
        Row("list", status: 0, says: "ID"),
        Row("list", "-q", status: 0, says: ""),
        Row("list", "-f", "json", status: 0, says: "[]"),
        Row("list", "-fjson", status: 0, says: "[]"),
        Row("list", "--format=yaml", says: "--format is table or json, not \"yaml\""),
        Row("list", "more", says: "unexpected argument \"more\""),
        Row("state", says: "the container's id is missing"),
        Row("state", "c", status: 1, says: "c"),
        Row("state", "c", "d", says: "unexpected argument \"d\""),
        Row("state", "--x", "c", says: "unknown flag --x"),
        Row("state", "../c", status: 1, says: "../c"),
        Row("start", says: "the container's id is missing"),
        Row("start", "c", status: 1, says: "c"),
        Row("pause", says: "the container's id is missing"),
        Row("resume", "c", "d", says: "unexpected argument \"d\""),
        Row("ps", says: "the container's id is missing"),
        Row("ps", "-x", "c", says: "unknown flag -x"),
        Row("kill", says: "usage: kill ID [SIGNAL] [-a]"),
        Row("kill", "c", "NOSUCH", says: "unknown signal \"NOSUCH\""),
        Row("kill", "c", "TERM", "KILL", says: "usage: kill ID [SIGNAL] [-a]"),
        Row("kill", "-x", "c", says: "unknown flag -x"),
        Row("delete", says: "usage: delete ID [-f]"),
        Row("delete", "-x", "c", says: "unknown flag -x"),
        Row("create", says: "the container's id is missing"),
        Row("create", "c", "-b", "/nonexistent", status: 1, says: "bundle /nonexistent: No such file or directory"),
        Row("create", "c", "--no-pivot", says: "the old root would stay in reach"),
        Row("create", "c", "-d", says: "unknown flag -d"),
        Row("create", "c", "--detach", says: "unknown flag --detach"),
        Row("create", "c", "--keep", says: "unknown flag --keep"),
        Row("create", "c", "--preserve-fds", "-1", says: "-1 is below zero"),
        Row("create", "c", "--preserve-fds", "many", says: "\"many\" is not a number"),
        Row("run", "c", "extra", says: "unexpected argument \"extra\""),
        Row("exec", says: "the container's id is missing"),
        Row("update", says: "the container's id is missing"),
        Row("update", "c", "--memory", "lots", says: "--memory: \"lots\" is not a number"),
        Row("update", "c", "--cpu-dance", "1", says: "unknown flag --cpu-dance"),
        Row("steps", says: "the container's id is missing"),
        Row("steps", "c", status: 1, says: "config.json"),
    ]

    @Test("flags, verbs and their mistakes", arguments: rows)
    func row(row: Row) throws {
        let (status, said) = try run(row.arguments)
        #expect(status == row.status, "\(said)")
        #expect(said.contains(row.says), "\(said)")
    }

    @Test("a spec is written once, and its steps are told without making anything")
    func specAndSteps() throws {
        try withFolder { folder in
            #expect(try run(["spec"], in: folder).status == 0)
            let again = try run(["spec"], in: folder)
            #expect(again.status == 1 && again.said.contains("config.json already exists"))
            let steps = try run(["steps", "c"], in: folder)
            #expect(steps.status == 0)
            #expect(steps.said.contains("mount /proc (proc)") && steps.said.hasSuffix("exec sh\n"))
            #expect(try folderEntries(folder).sorted() == ["config.json"])
        }
    }

    @Test("an error goes to the log, too, as text or as JSON")
    func log() throws {
        try withFolder { folder in
            _ = try run(["--log", "\(folder)/log", "--log-format", "json", "dance"], in: folder)
            _ = try run(["--log", "\(folder)/log", "dance"], in: folder)
            let lines = try readText("\(folder)/log").split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.hasPrefix(#"{"level":"error","msg":"unknown verb \"dance\""#) == true)
            #expect(lines.last?.contains("level=error msg=\"unknown verb") == true)
        }
    }

    private func run(_ arguments: [String], in folder: String? = nil) throws -> (status: Int, said: String) {
        guard let folder else { return try withFolder { try run(arguments, in: $0) } }
        let output = try openFile("\(folder)/.said", O_RDWR | O_CREAT | O_APPEND)
        defer { unlink("\(folder)/.said") }
        let pid = try spawnProcess(
            program, arguments: [program, "--root", "\(folder)/.state"] + arguments, folder: folder,
            descriptors: [1: output.raw, 2: output.raw])
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return (status & 0x7F == 0 ? Int(status >> 8 & 0xFF) : 128, try readText("\(folder)/.said"))
    }

    private func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = "/tmp/berth-runtime-program-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try makeFolders(folder, mode: 0o700)
        defer { try? removeTree(folder) }
        return try body(folder)
    }
}
