import Glibc
import Linux
import Synchronization

/// A program under way at a terminal of its own, with somebody who types.
final class TerminalProgram: Sendable {
    // ioctl_tty(2): macros that Swift does not see.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430
    private static let waiting = BlockingPool(name: "waiting at terminals", limit: 16)
    private let command: String
    private let pid: pid_t
    /// The person's side.
    private let master: OwnedFD
    // The mutex guards what was read so far.
    private let shown = Mutex<[UInt8]>([])

    init(_ path: String, _ arguments: [String], command: String, environment: [String]) throws {
        self.command = command
        master = try openFile("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
        let descriptor = master.raw
        var isLocked: CInt = 0
        try syscall("ioctl(TIOCSPTLCK)", on: "terminal") { ioctl(descriptor, Self.setLock, &isLocked) }
        var number: CInt = 0
        try syscall("ioctl(TIOCGPTN)", on: "terminal") { ioctl(descriptor, Self.getNumber, &number) }
        var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
        try syscall("ioctl(TIOCSWINSZ)", on: "terminal") { ioctl(descriptor, UInt(TIOCSWINSZ), &size) }
        let terminal = try openFile("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        pid = try spawnProcess(
            path, arguments: arguments, environment: environment,
            descriptors: [0: terminal.raw, 1: terminal.raw, 2: terminal.raw])
    }

    /// What its screen was sent so far.
    var output: String {
        shown.withLock { shown in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(master.raw, &buffer, buffer.count)
                guard count > 0 else { break }
                shown += buffer[..<count]
            }
            return String(decoding: shown, as: UTF8.self)
        }
    }

    func type(_ text: String) throws { try type(Array(text.utf8)) }

    func type(_ bytes: [UInt8]) throws {
        try syscall("write", on: command) { write(master.raw, bytes, bytes.count) }
    }

    /// Ctrl-P Ctrl-Q.
    static let detachKeys: [UInt8] = [16, 17]

    /// Its exit code as a shell tells it, once it has ended.
    func status(within limit: Duration = .seconds(60)) async throws -> Int {
        let pid = pid
        let hasEnded = try await Self.waiting.run {
            let process = try ProcessHandle(pid: pid)
            var request = pollfd(fd: process.pollable, events: Int16(POLLIN), revents: 0)
            let hasEnded = poll(&request, 1, CInt(limit.components.seconds * 1000)) > 0
            if !hasEnded { try process.signal(SIGKILL) }
            return hasEnded
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        guard hasEnded else { throw ProgramFailure(description: "\(command) still runs after \(limit): \(output)") }
        let signal = status & 0x7F
        return signal == 0 ? Int(status >> 8 & 0xFF) : 128 + Int(signal)
    }
}
