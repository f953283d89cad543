import Glibc
import Linux

/// Clients of Docker on this machine. What is not there is left out, with the reason.
enum DockerClients {
    /// The folders that PATH names.
    private static let folders: [String] = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(
        String.init)

    private static func first(_ name: String, orElse places: [String] = []) -> String? {
        (folders.map { "\($0)/\(name)" } + places).first { CallingProcess.canExecute($0) }
    }

    /// A variable names the program, or it is where PATH says.
    private static func program(_ variable: String, _ name: String, _ places: [String] = []) -> String? {
        if let path = getenv(variable).map({ String(cString: $0) }), CallingProcess.canExecute(path) { return path }
        return first(name, orElse: places)
    }

    static let docker = program("BERTH_TESTS_DOCKER", "docker")
    /// An older one beside it: 20.10, as Debian 12 has it.
    static let oldDocker = program("BERTH_TESTS_OLD_DOCKER", "docker-20.10")
    /// `docker-compose` 1.29, as Debian 12 has it.
    static let oldCompose = program("BERTH_TESTS_OLD_COMPOSE", "docker-compose-1.29", debianCompose)
    /// docker compose 2 as a program of its own.
    static let compose = program("BERTH_TESTS_COMPOSE", "docker-compose-v2")
    static let openssl = first("openssl")

    private static var debianCompose: [String] {
        fileExists("/usr/lib/python3/dist-packages/compose/cli") ? ["/usr/bin/docker-compose"] : []
    }

    /// A Python that has `module`.
    static func python(with module: String) -> String? {
        let named = getenv("BERTH_TESTS_PYTHON").map { [String(cString: $0)] } ?? []
        return (named + ["/usr/bin/python3"] + folders.map { "\($0)/python3" }).first { path in
            CallingProcess.canExecute(path)
                && (try? ProgramOutput.of(
                    path, arguments: [path, "-c", "import \(module)"], environment: ["PATH=/usr/bin:/bin"],
                    input: [], errors: nullDevice)) != nil
        }
    }

    private static let nullDevice = open("/dev/null", O_WRONLY | O_CLOEXEC)
    static let dockerPython = python(with: "docker")
    static let testcontainers = python(with: "testcontainers.core.container")
}
