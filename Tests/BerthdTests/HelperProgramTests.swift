import Glibc
import Linux
import Testing

/// The folder with the programs of this build, beside the tests.
private let folder: String = {
    let tests = CallingProcess.executablePath ?? ""
    return String(tests.prefix(upTo: tests.lastSlash ?? tests.startIndex))
}()

/// The programs that the engine starts, as a person may start them: to see what they are.
@Suite(.enabled(if: fileExists("\(folder)/berth-net"))) struct HelperProgramTests {
    private static let programs = ["berth-net", "berth-monitor", "berth-runtime", "berth-init"]

    @Test("--help shows the usage on standard output", arguments: programs, ["--help", "-h"])
    func help(program: String, option: String) throws {
        let (status, output, errors) = try run(program, [option])
        #expect(status == 0 && errors.isEmpty, "\(errors)")
        #expect(output.hasPrefix("usage: \(program) "), "\(output)")
    }

    @Test("every program has the same version", arguments: programs)
    func version(program: String) throws {
        let engine = try run("berthd", ["--version"]).output.split(separator: "\n").first?.split(separator: " ").last
        let (status, output, _) = try run(program, ["--version"])
        #expect(status == 0)
        #expect(output.split(separator: "\n").first.map(String.init) == "\(program) version \(engine ?? "")")
    }

    @Test("an unknown option is a mistake in the command line, and no path", arguments: programs)
    func unknown(program: String) throws {
        let (status, output, errors) = try run(program, ["--dance"])
        #expect(status == 2 && output.isEmpty, "\(output)")
        #expect(errors.contains("--dance"), "\(errors)")
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int, output: String, errors: String) {
        var output = try DescriptorPair.pipe()
        var errors = try DescriptorPair.pipe()
        let pid: pid_t
        do {
            let outputEnd = output.takeSecond()
            let errorEnd = errors.takeSecond()
            pid = try spawnProcess(
                "\(folder)/\(program)", arguments: [program] + arguments,
                descriptors: [1: outputEnd.raw, 2: errorEnd.raw])
        }
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        let outputBytes = try output.takeFirst().readToEnd()
        let errorBytes = try errors.takeFirst().readToEnd()
        return (
            status & 0x7F == 0 ? Int(status >> 8 & 0xFF) : -1, String(decoding: outputBytes, as: UTF8.self),
            String(decoding: errorBytes, as: UTF8.self)
        )
    }
}
