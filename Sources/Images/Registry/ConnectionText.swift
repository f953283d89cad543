import AsyncHTTPClient
import Glibc
import JSON
import NIOCore
import NIOPosix
import NIOSSL

/// Why a server cannot be reached, as a text for a person, without type names.
func connectionText(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError: text(of: error)
    case let error as SocketAddressError.UnknownHost:
        "the name \(error.host) is not known (\(lowercasingFirst(error.errorDescription)))"
    case SocketAddressError.failedToParseIPString(let text): "\(text) is not an IP address"
    case is SocketAddressError: "its address cannot be used here"
    case let error as IOError: lowercasingFirst(String(cString: strerror(error.errnoCode)))
    case ChannelError.connectTimeout(let limit): "no answer within \(limit.nanoseconds / 1_000_000_000) s"
    case is ChannelError: "the connection was closed"
    case let error as HTTPClientError: text(of: error)
    case NIOSSLError.handshakeFailed(let reason): text(of: reason)
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: "TLS fails: \(reason(in: "\(error)"))"
    default: plainText(of: error)
    }
}

private func text(of error: NIOConnectionError) -> String {
    if let attempt = error.connectionErrors.last { return connectionText(attempt.error) }
    if let lookup = error.dnsAError ?? error.dnsAAAAError { return connectionText(lookup) }
    return "\(error.host):\(error.port) does not answer"
}

private func text(of error: HTTPClientError) -> String {
    switch error {
    case .connectTimeout: "no answer in time"
    case .readTimeout, .writeTimeout, .deadlineExceeded: "it stopped answering"
    case .remoteConnectionClosed, .uncleanShutdown: "it closed the connection"
    case .tlsHandshakeTimeout: "TLS fails: no answer in time"
    default: lowercasingFirst(error.shortDescription)
    }
}

private func text(of error: BoringSSLError) -> String {
    let reason = reason(in: "\(error)")
    return switch reason {
    case "certificate verify failed": "TLS fails: this machine does not trust its certificate"
    case "wrong version number", "http request": "TLS fails: it does not speak TLS"
    default: "TLS fails: \(reason)"
    }
}

/// Extracts `wrong version number` from `…error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`.
private func reason(in text: String) -> String {
    let mark = "OPENSSL_internal:"
    guard let start = text.firstRange(of: mark)?.upperBound else { return "the connection cannot be trusted" }
    let name = text[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return name.lowercased().replacing("_", with: " ")
}

private func lowercasingFirst(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
