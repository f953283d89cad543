import NIOSSL
import Synchronization

/// The certificate of a server, and the clients that it accepts.
package final class TLSIdentity: Sendable {
    /// Paths of PEM files.
    package struct Files: Hashable, Sendable {
        package var certificate: String
        package var key: String
        /// Clients need a certificate from this authority; nil accepts every client.
        package var authority: String?

        package init(certificate: String, key: String, authority: String?) {
            self.certificate = certificate
            self.key = key
            self.authority = authority
        }
    }

    // The mutex guards the reference.
    private let current: Mutex<NIOSSLContext>
    package let files: Files

    /// - Throws: `TLSFailure` if a file cannot be read or has the wrong content.
    package init(_ files: Files) throws(TLSFailure) {
        self.files = files
        current = Mutex(try Self.context(files))
    }

    /// Reads the files again, for new connections. If one of them is wrong, the old ones stay in use.
    package func reload() throws(TLSFailure) {
        let new = try Self.context(files)
        current.withLock { $0 = new }
    }

    var context: NIOSSLContext { current.withLock { $0 } }

    private static func context(_ files: Files) throws(TLSFailure) -> NIOSSLContext {
        let chain: [NIOSSLCertificate] = try read(files.certificate, "certificates") {
            try NIOSSLCertificate.fromPEMFile(files.certificate)
        }
        let key = try read(files.key, "a private key") { try NIOSSLPrivateKey(file: files.key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        if let authority = files.authority {
            let roots = try read(authority, "certificates") { try NIOSSLCertificate.fromPEMFile(authority) }
            configuration.trustRoots = .certificates(roots)
            // A client's certificate has no host name to check.
            configuration.certificateVerification = .noHostnameVerification
        }
        let final = configuration
        return try read(files.certificate, "a certificate that belongs to the key \(files.key)") {
            try NIOSSLContext(configuration: final)
        }
    }

    private static func read<Value>(
        _ path: String, _ what: String, _ body: () throws -> Value
    ) throws(TLSFailure) -> Value {
        do { return try body() } catch { throw TLSFailure(message: "\(path) cannot be used as \(what): \(error)") }
    }
}

/// A file with a key or certificates that cannot be used. The message never shows the content of a key file.
package struct TLSFailure: Error, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}
