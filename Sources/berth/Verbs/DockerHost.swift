import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth docker-host`: prints the address for Docker's clients.
struct DockerHost: Verb {
    static let configuration = CommandConfiguration(
        commandName: "docker-host", abstract: "Show the address of the engine for Docker's clients",
        discussion: "In a shell: export DOCKER_HOST=$(berth docker-host)")

    @Flag(help: "Print a line for a shell") var export = false
    @Flag(help: "Print the command that creates a docker context") var context = false
    @Flag(help: "Print all addresses, one a line") var all = false
    @Flag(help: "Print the address of the read-only socket") var readOnly = false
    @Flag(help: "Print the TCP address for other machines") var tcp = false
    @Option(help: "The folder with ca.pem, cert.pem and key.pem for TCP (default: ~/.docker)") var certs: String?
    @OptionGroup(title: "Project") var global: GlobalOptions

    func run(in session: Session) throws {
        let version = try session.engine.version()
        let hosts = try hosts(version)
        for host in all ? hosts : Array(hosts.prefix(1)) {
            session.stdout.line(line(host, session, hasTLS: version.hasMutualTLS == true))
        }
    }

    private func hosts(_ version: EngineVersion) throws -> [String] {
        let more = version.dockerHosts ?? []
        if readOnly {
            guard let path = version.readOnlySocket else {
                throw EngineFailure(
                    code: .unsupported, message: "the engine has no read-only socket",
                    hint: "set docker-readonly-socket in the engine's configuration")
            }
            return ["unix://\(path)"]
        }
        if tcp {
            let hosts = more.filter { $0.hasPrefix("tcp://") }
            guard !hosts.isEmpty else {
                throw EngineFailure(
                    code: .unsupported, message: "the engine serves no TCP address",
                    hint: "create certificates with berth cert, and set docker-hosts in the engine's configuration")
            }
            return hosts
        }
        let hosts = (version.dockerSocket.map { ["unix://\($0)"] } ?? []) + more
        guard !hosts.isEmpty else {
            throw EngineFailure(
                code: .unsupported, message: "the engine has no socket for Docker's clients",
                hint: "the setting docker-socket is none: remove it from the configuration, or name a path")
        }
        return hosts
    }

    private func line(_ host: String, _ session: Session, hasTLS: Bool) -> String {
        let isEncrypted = hasTLS && host.hasPrefix("tcp://")
        let folder = certs ?? "\(session.environment["HOME"] ?? "~")/.docker"
        if export {
            return "export DOCKER_HOST=\(host)"
                + (isEncrypted ? " DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=\(folder)" : "")
        }
        guard context else { return host }
        let name = host.hasPrefix("tcp://") ? "berth-tcp" : readOnly ? "berth-readonly" : "berth"
        let files = ["ca", "cert", "key"].map { ",\($0)=\(folder)/\($0).pem" }.joined()
        return "docker context create \(name) --docker host=\(host)\(isEncrypted ? files : "")"
    }
}
