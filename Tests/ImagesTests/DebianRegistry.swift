import Glibc
import Images
import Linux
import OCI
import Testing

/// Debian's docker-registry, run on a free port of the loopback interface with storage of its own.
struct DebianRegistry {
    static let program = "/usr/bin/docker-registry"
    static var isInstalled: Bool { fileExists(program) && fileExists("/usr/bin/skopeo") }

    let address: String

    /// Starts a registry in `folder`, gives it to `body` and ends it.
    static func with(_ folder: String, _ body: (DebianRegistry) async throws -> Void) async throws {
        let configuration = """
            version: 0.1
            log: {accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(folder)/registry}}
            http: {addr: "127.0.0.1:0"}
            """
        try writeFileAtomically("\(folder)/registry.yml", configuration.utf8)
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let output = OwnedFD(owning: ends[0])
        _ = fcntl(output.raw, F_SETFD, FD_CLOEXEC)
        let process = try start("\(folder)/registry.yml", log: ends[1])
        close(ends[1])
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        try await body(DebianRegistry(address: try listening(output)))
    }

    private static func start(_ configuration: String, log: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, log, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        posix_spawn_file_actions_addclose(&actions, log)
        var words: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup("serve"), strdup(configuration), nil]
        defer { for word in words { free(word) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("OTEL_TRACES_EXPORTER=none"), nil]
        defer { for word in environment { free(word) } }
        var process = pid_t()
        try #require(posix_spawn(&process, program, &actions, nil, &words, &environment) == 0)
        return process
    }

    /// Reads the log up to the line that tells the port.
    private static func listening(_ output: borrowing OwnedFD) throws -> String {
        var log = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try output.read(into: $0) }
            try #require(count > 0, "the registry ended: \(log)")
            log += String(decoding: buffer[..<count], as: UTF8.self)
            guard let found = log.firstRange(of: "listening on ") else { continue }
            let rest = log[found.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == ":" }
            if rest.endIndex != log.endIndex { return String(rest) }
        }
    }

    /// Pushes an archive that `docker save` could have written.
    func push(_ archive: String, as name: String, format: String = "oci") throws {
        let target = "docker://\(address)/\(name)"
        try run(
            "/usr/bin/skopeo",
            ["--insecure-policy", "copy", "--dest-tls-verify=false", "-f", format, "docker-archive:\(archive)", target])
    }
}
