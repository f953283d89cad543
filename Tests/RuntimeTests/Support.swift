import Glibc
import JSON
import Linux
import OCI
import Runtime
import Testing

/// A folder of its own for `body`, gone afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = "/tmp/berth-runtime-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try makeFolders(folder, mode: 0o700)
    defer { try? removeTree(folder) }
    return try body(folder)
}

struct Finished {
    let status: Int32
    let output: String
    let error: String
}

/// Runs a program to its end.
@discardableResult
func run(_ path: String, _ arguments: [String], folder: String? = nil) throws -> Finished {
    try withFolder { scratch in
        let output = try openFile("\(scratch)/out", O_RDWR | O_CREAT)
        let error = try openFile("\(scratch)/err", O_RDWR | O_CREAT)
        let pid = try spawnProcess(
            path, arguments: [path] + arguments, environment: ["PATH=/usr/bin:/bin"], folder: folder,
            descriptors: [1: output.raw, 2: error.raw])
        var raw: CInt = 0
        waitpid(pid, &raw, 0)
        return Finished(
            status: raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + (raw & 0x7F),
            output: try readText("\(scratch)/out"), error: try readText("\(scratch)/err"))
    }
}

/// Where this package's programs have been built: beside the tests.
let buildFolder: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
}()

/// Whether containers can be made here: rights, the programs, and something to run in them.
let canRunContainers =
    geteuid() == 0 && fileExists("/bin/busybox") && fileExists("\(buildFolder)/berth-runtime")

/// A bundle with busybox in it, and the runtime's command line over a store of its own.
struct Bundle {
    let folder: String
    var root: String { "\(folder)/rootfs" }

    static func with<Result>(_ body: (Bundle) throws -> Result) throws -> Result {
        try withFolder { folder in
            let bundle = Bundle(folder: folder)
            try makeFolders("\(bundle.root)/bin")
            try makeFolders("\(bundle.root)/etc")
            try makeFolders("\(bundle.root)/tmp")
            guard link("/bin/busybox", "\(bundle.root)/bin/busybox") == 0 || copy(to: "\(bundle.root)/bin/busybox")
            else { throw SyscallError(call: "link", object: "busybox", code: .current) }
            for name in [
                "sh", "cat", "ls", "id", "true", "sleep", "grep", "head", "mknod", "mount", "unshare", "touch",
                "readlink", "hostname", "stty", "tty", "env", "wc", "dd", "printf", "mkdir", "ip", "stat",
            ] { symlink("busybox", "\(bundle.root)/bin/\(name)") }
            try writeFileAtomically(
                "\(bundle.root)/etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n".utf8,
                mode: 0o644)
            return try body(bundle)
        }
    }

    private static func copy(to path: String) -> Bool {
        guard let bytes = try? readFile("/bin/busybox") else { return false }
        return (try? writeFileAtomically(path, bytes, mode: 0o755)) != nil
    }

    /// The default spec with `arguments`, changed by `change`.
    func write(_ arguments: [String], _ change: (inout RuntimeSpec) throws -> Void = { _ in }) throws {
        var spec = DefaultProfile.spec(arguments: arguments, hostname: "box", terminal: false)
        spec.process?.env = ["PATH=/bin"]
        spec.process?.noNewPrivileges = nil
        spec.linux?.cgroupsPath = "/berth-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try change(&spec)
        try writeFileAtomically("\(folder)/config.json", try encodeJSON(spec))
    }

    func runtime(_ arguments: String...) throws -> Finished {
        try RuntimeTests.run(
            "\(buildFolder)/berth-runtime", ["--root", "\(folder)/state"] + arguments, folder: folder)
    }

    /// Runs a container of `arguments` to its end.
    func run(
        _ arguments: [String], _ change: (inout RuntimeSpec) throws -> Void = { _ in }
    ) throws -> Finished {
        try write(arguments, change)
        return try runtime("run", "c")
    }

    /// Runs `script` in a shell in a container.
    func shell(_ script: String, _ change: (inout RuntimeSpec) throws -> Void = { _ in }) throws -> Finished {
        try run(["sh", "-c", script], change)
    }
}
