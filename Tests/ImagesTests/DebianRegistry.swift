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
        // A file: a pipe that nobody reads any more would stop a registry that has much to tell.
        let log = try openFile("\(folder)/registry.log", O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
        let process = try start("\(folder)/registry.yml", log: log.raw)
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        try await body(DebianRegistry(address: try await listening("\(folder)/registry.log")))
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

    /// Waits for the line of the log that tells the port.
    private static func listening(_ path: String) async throws -> String {
        for _ in 0..<3000 {
            let log = try readText(path)
            if let found = log.firstRange(of: "listening on ") {
                let rest = log[found.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == ":" }
                if rest.endIndex != log.endIndex { return String(rest) }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ImageError.failed("the registry does not begin: \(try readText(path))")
    }

    /// Pushes an archive that `docker save` could have written.
    func push(_ archive: String, as name: String, format: String = "oci") throws {
        let target = "docker://\(address)/\(name)"
        try run(
            "/usr/bin/skopeo",
            ["--insecure-policy", "copy", "--dest-tls-verify=false", "-f", format, "docker-archive:\(archive)", target])
    }
}
