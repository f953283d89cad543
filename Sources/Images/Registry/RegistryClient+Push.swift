import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import OCI

// Sending blobs and manifests (distribution-spec, "Push").
extension RegistryClient {
    /// How a blob came to be in the repository.
    enum Arrival: Hashable, Sendable {
        case wasThere
        case mounted(from: String)
        case uploaded
    }

    /// Makes sure that the repository has a blob: it is looked for, taken over from the repository `source` of the same
    /// registry, or sent. `prepare` is asked once its bytes are needed; what it gives makes a body of them for each attempt.
    func deliver(
        _ blob: Descriptor, mountedFrom source: String?,
        prepare: @Sendable () async throws -> @Sendable () -> HTTPClientRequest.Body
    ) async throws -> Arrival {
        if try await has(blob) { return .wasThere }
        var failures = 0
        var body: (@Sendable () -> HTTPClientRequest.Body)?
        while true {
            do {
                let begin = try await beginUpload(of: blob, mountedFrom: failures == 0 ? source : nil)
                guard let location = begin else { return .mounted(from: source ?? reference.path) }
                let bytes = if let body { body } else { try await prepare() }
                body = bytes
                try await upload(blob, to: location, bytes)
                return .uploaded
            } catch {
                failures += 1
                // What an upload that broke has left is not known: the next one begins anew.
                let refusal = error as? UploadRefused
                let isWorthAnother =
                    error is UploadLost || refusal != nil && failures == 1 || retries.isWorthAnother(error)
                guard isWorthAnother, failures < retries.attempts else {
                    if let refusal { throw refusal.reason }
                    throw error is UploadLost ? ImageError.registry("\(error)") : explain(error)
                }
                try await retries.wait(failures, after: nil)
            }
        }
    }

    /// An answer other than yes is no reason to give up: the upload will say more.
    private func has(_ blob: Descriptor) async throws -> Bool {
        let response = try await perform(RegistryRequest(.HEAD, "blobs/\(blob.digest)"))
        return response.status == .ok
    }

    /// Where to send a blob; nil when it was taken over from `source`.
    private func beginUpload(of blob: Descriptor, mountedFrom source: String?) async throws -> String? {
        if let source {
            let query = URLParts.form([("mount", "\(blob.digest)"), ("from", source)])
            let response = try await perform(RegistryRequest(.POST, "blobs/uploads/?\(query)"))
            if response.status == .created { return nil }
            if response.status == .accepted { return try uploadLocation(response) }
            // It may not be allowed, or be unknown to the registry.
        }
        let response = try await perform(RegistryRequest(.POST, "blobs/uploads/"))
        guard response.status == .accepted else { throw await failure(response, "an upload") }
        return try uploadLocation(response)
    }

    private func uploadLocation(_ response: HTTPClientResponse) throws -> String {
        guard let location = response.headers.first(name: "Location") else {
            throw ImageError.registry("\(host.authority) takes an upload but does not say where")
        }
        return try next("\(scheme ?? "https")://\(host.authority)/v2/\(reference.path)/blobs/uploads/", location)
    }

    private func upload(
        _ blob: Descriptor, to location: String, _ body: @escaping @Sendable () -> HTTPClientRequest.Body
    ) async throws {
        let mark = location.contains("?") ? "&" : "?"
        let request = RegistryRequest(
            .PUT, location + mark + URLParts.form([("digest", "\(blob.digest)")]),
            headers: ["Content-Type": "application/octet-stream"], body: body)
        let response = try await performOnce(request)
        guard response.status == .created else {
            if response.status == .notFound || retries.isWorthAnother(response.status) {
                throw UploadLost(host: host.authority, blob: blob.digest, status: response.status.code)
            }
            let reason = await failure(response, "blob \(blob.digest)")
            throw response.status == .badRequest ? UploadRefused(reason: reason) : reason
        }
    }

    /// Stores a manifest or an index under a tag or its own digest; all that it names has to be there.
    func put(_ document: Document, as name: String) async throws {
        let bytes = document.bytes
        let request = RegistryRequest(
            .PUT, "manifests/\(name)", headers: ["Content-Type": document.descriptor.mediaType]
        ) { .bytes(ByteBuffer(bytes: bytes)) }
        let response = try await perform(request)
        guard response.status == .created || response.status == .ok else {
            throw await failure(response, "manifest \(name)")
        }
        guard let told = response.headers.first(name: "Docker-Content-Digest").flatMap({ Digest($0) }),
            told.algorithm == document.descriptor.digest.algorithm, told != document.descriptor.digest
        else { return }
        throw ImageError.digestMismatch(
            what: "the manifest in the registry", expected: document.descriptor.digest, actual: told)
    }
}

/// The registry has forgotten the upload meanwhile, or cannot take it now.
private struct UploadLost: Error, CustomStringConvertible {
    let host: String
    let blob: Digest
    let status: UInt

    var description: String { "\(host) does not take the upload of \(blob) (status \(status))" }
}

/// The registry found other bytes than were sent: uploads of one blob at the same time can spoil each other there.
private struct UploadRefused: Error {
    let reason: any Error
}
