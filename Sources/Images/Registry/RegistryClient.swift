import AsyncHTTPClient
import JSON
import Linux
import NIOCore
import NIOHTTP1
import OCI

/// A client for one repository of one registry (OCI distribution-spec). It finds out how to reach the registry and
/// which login it wants, follows redirects, and retries after temporary failures.
actor RegistryClient {
    /// The purpose, which limits the scope of tokens.
    enum Purpose: Hashable, Sendable {
        case pull
        /// `sources` are other repositories of the registry from which it may copy blobs.
        case push(sources: Set<String>)
        /// To check the login; no repository is needed.
        case login

        var word: String {
            switch self {
            case .pull: "pull"
            case .push: "push"
            case .login: "login"
            }
        }
    }

    let reference: Reference
    let host: RegistryHost
    let purpose: Purpose
    let login: RegistryCredentials.Login?
    let http: RegistryConnections
    let retries: RetryPolicy
    /// The scheme that worked; nil until then.
    private(set) var scheme: String?
    /// The `Authorization` that the registry accepted last.
    private var authorization: String?

    init(
        _ reference: Reference, credentials: RegistryCredentials, insecure: [String], http: RegistryConnections,
        for purpose: Purpose = .pull, retries: RetryPolicy = RetryPolicy()
    ) {
        self.reference = reference
        self.purpose = purpose
        host = RegistryHost(domain: reference.domain, insecure: insecure)
        login = credentials.login(for: reference.domain)
        self.http = http
        self.retries = retries
    }

    /// A manifest or index, verified if it was requested by digest.
    struct Document: Sendable {
        let bytes: [UInt8]
        let descriptor: Descriptor
    }

    /// The document with a tag or digest.
    func document(_ name: String) async throws -> Document {
        let accepted = (ManifestDocument.indexTypes + ManifestDocument.manifestTypes).map { ("Accept", $0) }
        let response = try await get("manifests/\(name)", headers: HTTPHeaders(accepted))
        guard response.status == .ok else { throw await failure(response, "manifest \(name)") }
        let bytes = try await collect(response, limit: 4 << 20, what: "the manifest")
        var hasher = DigestHasher(Digest(name)?.algorithm ?? .sha256)
        hasher.update(bytes)
        let digest = hasher.finish()
        if let expected = Digest(name), expected != digest {
            throw ImageError.digestMismatch(what: "the manifest", expected: expected, actual: digest)
        }
        let mediaType = response.headers.first(name: "Content-Type").map { $0.prefix { $0 != ";" } }.map(String.init)
        return Document(
            bytes: bytes,
            descriptor: Descriptor(
                mediaType: mediaType ?? MediaType.manifest, digest: digest, size: Int64(bytes.count)))
    }

    /// A small blob, verified.
    func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw ImageError.tooLarge("\(descriptor.digest) has \(descriptor.size) bytes")
        }
        let response = try await get("blobs/\(descriptor.digest)")
        guard response.status == .ok else { throw await failure(response, "blob \(descriptor.digest)") }
        let bytes = try await collect(response, limit: limit, what: "\(descriptor.digest)")
        var hasher = DigestHasher(descriptor.digest.algorithm)
        hasher.update(bytes)
        guard hasher.finish() == descriptor.digest, bytes.count == descriptor.size else {
            throw ImageError.digestMismatch(
                what: "a blob", expected: descriptor.digest, actual: hasher.finish())
        }
        return bytes
    }

    /// The response to a request for a blob from byte `offset` on: 206 with the rest, or 200 with everything.
    func openBlob(_ digest: Digest, from offset: Int64) async throws -> HTTPClientResponse {
        let range = offset > 0 ? HTTPHeaders([("Range", "bytes=\(offset)-")]) : HTTPHeaders()
        return try await get("blobs/\(digest)", headers: range)
    }

    private func get(_ path: String, headers: HTTPHeaders = HTTPHeaders()) async throws -> HTTPClientResponse {
        try await perform(RegistryRequest(.GET, path, headers: headers))
    }

    /// Sends a request, and repeats it as long as that may help.
    func perform(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        var attempt = 0
        while true {
            attempt += 1
            do {
                let response = try await performOnce(request)
                guard retries.isWorthAnother(response.status), attempt < retries.attempts else { return response }
                try await retries.wait(attempt, after: response.headers.first(name: "Retry-After"))
            } catch let error where retries.isWorthAnother(error) && attempt < retries.attempts {
                try await retries.wait(attempt, after: nil)
            } catch {
                throw explain(error)
            }
        }
    }

    /// Sends a request, and once more with the login that the registry asks for.
    func performOnce(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        let used = authorization
        let response = try await send(request, used)
        guard response.status == .unauthorized else { return response }
        if authorization == used || authorization == nil {
            let challenges = response.headers["WWW-Authenticate"].flatMap(AuthChallenge.parse)
            authorization = try await answer(challenges)
        }
        guard let authorization else { return response }
        return try await send(request, authorization)
    }

    private func send(_ request: RegistryRequest, _ authorization: String?) async throws -> HTTPClientResponse {
        if request.isWholeURL { return try await follow(request, from: request.target, authorization) }
        guard let scheme else { return try await sendFirst(request, authorization) }
        return try await follow(request, from: url(request, scheme), authorization)
    }

    private func url(_ request: RegistryRequest, _ scheme: String) -> String {
        let path = purpose == .login ? "" : "\(reference.path)/\(request.target)"
        return "\(scheme)://\(host.authority)/v2/\(path)"
    }

    /// Plain HTTP is only for allowed hosts, and only if they do not support TLS.
    private func sendFirst(_ request: RegistryRequest, _ authorization: String?) async throws -> HTTPClientResponse {
        var failure: (any Error)?
        for scheme in host.schemes {
            do {
                let response = try await follow(request, from: url(request, scheme), authorization)
                self.scheme = scheme
                return response
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failure = error
            }
        }
        throw failure ?? ImageError.registry("\(host.authority) cannot be reached")
    }

    /// Follows redirects. Sends the login only to the registry, and never goes from an encrypted to an unencrypted URL.
    private func follow(
        _ wanted: RegistryRequest, from start: String, _ authorization: String?
    ) async throws -> HTTPClientResponse {
        var url = start
        // An upload may continue on another host.
        let own = URLParts("\(scheme ?? String(start.prefix { $0 != ":" }))://\(host.authority)").origin
        for _ in 0..<6 {
            var request = wanted.request(url)
            request.headers.add(name: "User-Agent", value: "berth")
            if let authorization, URLParts(url).origin == own {
                request.headers.add(name: "Authorization", value: authorization)
            }
            let response = try await http.execute(request, deadline: .distantFuture)
            guard [301, 302, 303, 307, 308].contains(response.status.code),
                let location = response.headers.first(name: "Location")
            else { return response }
            url = try next(url, location)
        }
        throw ImageError.registry("\(host.authority) redirects in a loop")
    }

    /// The URL of `location` in a response to `url`.
    func next(_ url: String, _ location: String) throws -> String {
        let next = URLParts(url).resolve(location)
        guard !(url.hasPrefix("https://") && !next.hasPrefix("https://")) else {
            throw ImageError.registry(
                "\(host.authority) redirects to \(URLParts(next).origin), which is not encrypted")
        }
        return next
    }
}

/// A request to a registry, which may be sent several times.
struct RegistryRequest: Sendable {
    var method: HTTPMethod
    /// The part after `/v2/REPOSITORY/`, or a complete URL from the registry.
    var target: String
    var headers: HTTPHeaders
    /// Creates the body again for each attempt.
    var body: (@Sendable () -> HTTPClientRequest.Body)?

    init(
        _ method: HTTPMethod, _ target: String, headers: HTTPHeaders = HTTPHeaders(),
        body: (@Sendable () -> HTTPClientRequest.Body)? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    var isWholeURL: Bool { target.contains("://") }

    func request(_ url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = headers
        request.body = body?()
        return request
    }
}

// Logins.
extension RegistryClient {
    /// The `Authorization` for one of the challenges; nil when there is none.
    private func answer(_ challenges: [AuthChallenge]) async throws -> String? {
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) { return try await token(bearer) }
        guard challenges.contains(where: { $0.scheme == "basic" }), case .password(let user, let password) = login
        else {
            return nil
        }
        return basic(user, password)
    }

    private func basic(_ user: String, _ password: String) -> String {
        "Basic \(encodeBase64(Array("\(user):\(password)".utf8)))"
    }

    /// Requests a token for this repository (distribution's token specification).
    private func token(_ challenge: AuthChallenge) async throws -> String {
        guard let realm = challenge.parameters["realm"] else {
            throw ImageError.registry("\(host.authority) asks for a token but does not say where to get it")
        }
        guard realm.hasPrefix("https://") || realm.hasPrefix("http://") && host.allowsPlain else {
            throw ImageError.registry("\(host.authority) has its token server at \(realm), which is not encrypted")
        }
        var fields = scopes(challenge).map { ("scope", $0) }
        if let service = challenge.parameters["service"] { fields.append(("service", service)) }
        var request = HTTPClientRequest(url: realm)
        switch login {
        case .identityToken(let token):
            // One field with all of them (RFC 6749, section 3.3).
            fields = [("scope", scopes(challenge).joined(separator: " "))] + fields.filter { $0.0 != "scope" }
            fields += [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "berth")]
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: URLParts.form(fields)))
        case .password(let user, let password):
            fields.append(("account", user))
            request.headers.add(name: "Authorization", value: basic(user, password))
            fallthrough
        case nil:
            request.url += (realm.contains("?") ? "&" : "?") + URLParts.form(fields)
        }
        request.headers.add(name: "User-Agent", value: "berth")
        return "Bearer \(try await fetchToken(request, realm))"
    }

    /// The scope of a token: what the registry asked for; for a push also everything that will be needed, so that one
    /// token is enough.
    private func scopes(_ challenge: AuthChallenge) -> [String] {
        let asked = challenge.parameters["scope"].map { [$0] } ?? []
        switch purpose {
        case .login: return asked
        case .pull: return asked.isEmpty ? ["repository:\(reference.path):pull"] : asked
        case .push(let sources):
            let own = "repository:\(reference.path):"
            return ["\(own)pull,push"] + sources.sorted().map { "repository:\($0):pull" }
                + asked.filter { !$0.hasPrefix(own) }
        }
    }

    private func fetchToken(_ request: HTTPClientRequest, _ realm: String) async throws -> String {
        let response = try await http.execute(request, deadline: .now() + .seconds(30))
        guard response.status == .ok else {
            if [400, 401, 403].contains(response.status.code) { throw denied("its login was refused") }
            throw RegistryStatus(code: response.status.code, text: "\(URLParts(realm).origin) returned no token")
        }
        let bytes = try await collect(response, limit: 1 << 20, what: "the token")
        let value = try? JSONValue(parsing: bytes)
        guard let token = value?["token"]?.string ?? value?["access_token"]?.string, !token.isEmpty else {
            throw ImageError.registry("\(URLParts(realm).origin) returned no token")
        }
        return token
    }

    func denied(_ reason: String) -> ImageError {
        if purpose == .login { return .unauthorized("login at \(host.authority) failed: \(reason)") }
        return .unauthorized(
            "\(purpose.word) access denied for \(reference.familiarName): \(reason); the repository may not exist, or needs a login"
        )
    }
}

// Responses.
extension RegistryClient {
    private func collect(_ response: HTTPClientResponse, limit: Int, what: String) async throws -> [UInt8] {
        do {
            let buffer = try await response.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw ImageError.tooLarge("\(what) has more than \(limit) bytes")
        } catch {
            throw explain(error)
        }
    }

    /// The error for an unexpected response.
    func failure(_ response: HTTPClientResponse, _ what: String) async -> any Error {
        let bytes = (try? await response.body.collect(upTo: 64 << 10)).map { Array($0.readableBytesView) } ?? []
        let error = (try? JSONValue(parsing: bytes))?["errors"]?.array?.first
        let text = error?["message"]?.string ?? error?["code"]?.string ?? response.status.reasonPhrase
        switch response.status.code {
        case 401, 403: return denied(text)
        case 404: return ImageError.notFound("\(reference) is not in the registry (\(what): \(text))")
        case 429: return ImageError.registry("\(host.authority) received too many requests: \(text)")
        default: return ImageError.registry("\(host.authority) answers \(response.status.code) to \(what): \(text)")
        }
    }

    /// A connection failure as a text for a person.
    func explain(_ error: any Error) -> any Error {
        switch error {
        case is ImageError, is CancellationError, is SyscallError, is LayerCompression.FormChanged: error
        case let error as RegistryStatus: ImageError.registry("\(host.authority): \(error.text) (status \(error.code))")
        default: ImageError.registry("registry \(host.authority) cannot be reached: \(connectionText(error))")
        }
    }
}

/// An unexpected status.
struct RegistryStatus: Error, CustomStringConvertible {
    let code: UInt
    let text: String
    var description: String { "\(text) (status \(code))" }
}
