import Glibc
import Images
import Linux
import OCI
import Testing

/// Whether the kernel lets this process do what unpacking needs: owners, devices and overlayfs's attributes.
let isPrivileged = geteuid() == 0

/// Gives `body` an empty folder and removes it afterwards.
func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/berth-images-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    let folder = try #require(made)
    defer { try? removeTree(folder) }
    try await body(folder)
}

/// Gives `body` an image store of its own.
func withStore(_ body: (ImageStore, String) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
        try await body(try makeStore("\(folder)/store"), folder)
    }
}

func makeStore(_ root: String) throws -> ImageStore {
    try ImageStore(root: root, blockingOn: BlockingPool(name: "test", limit: 4))
}

/// `bytes` in pieces, as an HTTP body brings them.
func stream(_ bytes: [UInt8], piece: Int = 100_000) -> ImageInput {
    .stream(
        AsyncThrowingStream { continuation in
            for start in stride(from: 0, to: bytes.count, by: piece) {
                continuation.yield(Array(bytes[start..<min(start + piece, bytes.count)]))
            }
            continuation.finish()
        })
}

/// Runs a program of the machine and gives its output; for compressors and clients that tests need.
@discardableResult
func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    try #require(fileExists(program), "\(program) is not installed")
    var template = Array("/tmp/berth-run-XXXXXX".utf8CString)
    let folder = template.withUnsafeMutableBufferPointer {
        $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    let base = try #require(folder)
    defer { try? removeTree(base) }
    try writeFileAtomically("\(base)/in", input)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "\(base)/in", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "\(base)/out", O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, "\(base)/err", O_WRONLY | O_CREAT, 0o600)
    var process = pid_t()
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    try #require(posix_spawn(&process, program, &actions, nil, &words, environ) == 0)
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && Errno.current == .interrupted {}
    let complaint = try readText("\(base)/err")
    try #require(status == 0, "\(program) \(arguments): \(complaint)")
    return try readFile("\(base)/out")
}

/// Checks that an error says `part`.
func expectText(_ error: (any Error)?, has part: String) {
    let text = error.map { "\($0)" } ?? "no error"
    #expect(text.contains(part), "\(text)")
}
