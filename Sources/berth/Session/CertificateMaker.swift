import EngineWire
import Glibc
import Linux

/// Creates a certificate authority, and certificates signed by it, with the openssl program. Keeps existing files.
struct CertificateMaker {
    /// The folder of all files: `ca.pem`, `ca-key.pem`, `server-cert.pem`, `server-key.pem`, `clients/NAME`.
    let folder: String
    let days: Int
    private let program: String

    /// - Throws: `EngineFailure` when openssl is not installed.
    init(folder: String, days: Int, environment: [String: String]) throws {
        let places = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/openssl" }
        guard let program = places.first(where: CallingProcess.canExecute) else {
            throw EngineFailure(
                code: .unsupported, message: "creating certificates needs the program openssl, which is not installed",
                hint: "apt install openssl")
        }
        (self.folder, self.days, self.program) = (folder, days, program)
        // No other user may ever read a key.
        umask(0o077)
        try makeFolders(folder, mode: 0o755)
    }

    /// Returns false when there already is one.
    func makeAuthority() throws -> Bool {
        switch (fileExists("\(folder)/ca.pem"), fileExists("\(folder)/ca-key.pem")) {
        case (true, true): return false
        case (false, false): break
        default:
            throw EngineFailure(
                code: .invalid, message: "\(folder) has only one of ca.pem and ca-key.pem",
                hint: "restore the other one, or name another folder for a new authority")
        }
        let extensions = """
            basicConstraints = critical, CA:TRUE, pathlen:0
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash
            """
        try run(
            [
                "req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
                "-keyout", "\(folder)/ca-key.pem", "-out", "\(folder)/ca.pem", "-days", "3650", "-config", "/dev/stdin",
            ], configuration("berth authority", extensions))
        chmod("\(folder)/ca.pem", 0o644)
        return true
    }

    /// Creates a certificate for a server with these names and addresses.
    func makeServer(_ hosts: [String]) throws {
        let names = hosts.map { Self.isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ", ")
        try sign(
            "server", certificate: "\(folder)/server-cert.pem", key: "\(folder)/server-key.pem",
            extensions: "extendedKeyUsage = serverAuth\nsubjectAltName = \(names)")
    }

    /// Creates a certificate for a client with this name, in a folder for `DOCKER_CERT_PATH`.
    func makeClient(_ name: String) throws -> String {
        let place = "\(folder)/clients/\(name)"
        try makeFolders(place, mode: 0o755)
        try sign(
            name, certificate: "\(place)/cert.pem", key: "\(place)/key.pem",
            extensions: "extendedKeyUsage = clientAuth")
        try writeFileAtomically("\(place)/ca.pem", readFile("\(folder)/ca.pem", limit: 1 << 20), mode: 0o644)
        return place
    }

    private func sign(_ name: String, certificate: String, key: String, extensions: String) throws {
        let request = "\(certificate).request"
        defer { unlink(request) }
        try run(
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-keyout",
                key, "-out", request, "-config", "/dev/stdin",
            ], configuration(name, ""))
        let more = """
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            \(extensions)
            """
        // RFC 5280, section 4.1.2.2: up to 20 bytes, and unpredictable.
        let number =
            "0x" + (0..<4).map { _ in String(UInt32.random(in: 0x1000_0000...0x7FFF_FFFF), radix: 16) }.joined()
        try run(
            [
                "x509", "-req", "-in", request, "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca-key.pem",
                "-set_serial", number, "-days", "\(days)", "-sha256", "-extfile", "/dev/stdin", "-out", certificate,
            ], more)
        chmod(certificate, 0o644)
    }

    private func configuration(_ name: String, _ extensions: String) -> String {
        """
        [req]
        prompt = no
        distinguished_name = name
        \(extensions.isEmpty ? "" : "x509_extensions = extensions")
        [name]
        CN = \(name)
        [extensions]
        \(extensions)
        """
    }

    private func run(_ arguments: [String], _ input: String) throws {
        let said = try openNamelessFile(in: folder)
        do throws(SyscallError) {
            _ = try ProgramOutput.of(
                program, arguments: ["openssl"] + arguments, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C"],
                input: Array("\(input)\n".utf8), errors: said.raw)
        } catch {
            lseek(said.raw, 0, SEEK_SET)
            let text = String(decoding: (try? said.readToEnd(limit: 1 << 16)) ?? [], as: UTF8.self)
            throw EngineFailure(
                code: .launchFailed, message: "openssl \(arguments[0]) failed: \(text.isEmpty ? "\(error)" : text)")
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        var bytes = in6_addr()
        return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1
    }
}
