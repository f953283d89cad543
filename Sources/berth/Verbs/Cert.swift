import ArgumentParser
import Console
import EngineWire
import Glibc
import Linux

/// `berth cert`: creates the certificates for an engine and its remote clients.
struct Cert: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "Create certificates for Docker's clients on other machines",
        discussion:
            "Creates an authority, a certificate for the engine and one for a client. It keeps existing files, so you can "
            + "later add another client under the same authority.")

    @Option(help: "A name or address under which clients reach this machine (default: its name and localhost)")
    var host: [String] = []
    @Option(help: "The name of a client; its certificate is put into a folder of this name") var client: [String] = []
    @Option(help: "How many days the certificates are valid; that of the authority is valid for ten years") var days:
        Int = 825
    @Flag(help: "Replace existing certificates, except that of the authority") var renew = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The folder") var folder: String = "/etc/berth/tls"

    func run(in session: Session) throws {
        try check()
        let place = folder.hasPrefix("/") ? folder : "\(session.workingDirectory)/\(folder)"
        let maker = try CertificateMaker(folder: place, days: days, environment: session.environment)
        let isNew = try maker.makeAuthority()
        say(
            session, isNew, "\(place)/ca.pem",
            "the authority; keep \(place)/ca-key.pem secret: it can sign more certificates")
        let makesServer = isNew || renew || !fileExists("\(place)/server-cert.pem")
        if makesServer {
            try maker.makeServer(host.isEmpty ? Self.names() : host)
        } else if !host.isEmpty {
            throw UsageFailure(
                "\(place)/server-cert.pem exists already, for its own host names",
                hint: "--renew replaces it")
        }
        say(session, makesServer, "\(place)/server-cert.pem", "for the engine")
        var first: String?
        for name in client.isEmpty && !(renew && !isNew) ? ["client"] : client {
            let isThere = fileExists("\(place)/clients/\(name)/cert.pem") && !isNew && !renew
            if !isThere { _ = try maker.makeClient(name) }
            say(session, !isThere, "\(place)/clients/\(name)", "for a client: copy the folder to its machine")
            first = first ?? "\(place)/clients/\(name)"
        }
        guard isNew || !renew else {
            return session.stdout.line("\nSend SIGHUP to the engine: it then loads the new certificate.")
        }
        session.stdout.line(
            """

            In /etc/berth/berthd.json (then restart the engine):
              "docker-hosts": ["tcp://0.0.0.0:2376"],
              "tlscacert": "\(place)/ca.pem",
              "tlscert": "\(place)/server-cert.pem",
              "tlskey": "\(place)/server-key.pem"
            On the client, with its folder:
              export DOCKER_HOST=tcp://\(host.first ?? Self.names()[0]):2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=\(first ?? place)
            """)
    }

    private func say(_ session: Session, _ isMade: Bool, _ path: String, _ what: String) {
        session.stdout.line("\(isMade ? "created" : "kept") \(path): \(what)")
    }

    /// Names go into a file for openssl, so they must not contain any syntax.
    private func check() throws {
        func isPlain(_ text: String, _ more: String) -> Bool {
            !text.isEmpty && text.utf8.count <= 253 && !text.hasPrefix(".")
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || more.contains($0)) }
        }
        if let name = host.first(where: { !isPlain($0, ".-:*") }) {
            throw UsageFailure("--host: '\(name)' is not the name or address of a machine", hint: "--host engine.lan")
        }
        if let name = client.first(where: { !isPlain($0, ".-_") || $0.utf8.count > 64 }) {
            throw UsageFailure(
                "--client: '\(name)' cannot be a client's name",
                hint: "use at most 64 letters, digits, '.', '-' and '_'")
        }
        guard (1...3650).contains(days) else { throw UsageFailure("--days: expected 1 to 3650, found \(days)") }
    }

    /// This machine's name, and its names for itself.
    private static func names() -> [String] {
        var name = utsname()
        uname(&name)
        let text = withUnsafeBytes(of: &name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return [text, "localhost", "127.0.0.1", "::1"].filter { !$0.isEmpty }
    }
}
