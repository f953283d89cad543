import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import OCI

// Sends blobs and manifests (distribution-spec, "Push").
extension RegistryClient {
    /// How a blob got into the repository.
    enum Arrival: Hashable, Sendable {
        case wasThere
        case mounted(from: String)
        case uploaded
    }

    /// Ensures that the repository has a blob: checks for it, lets the registry copy it from its repository `source`,
    /// or sends it. `prepare` is called only when the bytes are needed; its result creates a body for each attempt.
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
                // The state of a broken upload is unknown, so the next attempt starts again.
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

    /// Any answer except yes counts as no; the upload will show an error if there is one.
    private func has(_ blob: Descriptor) async throws -> Bool {
        let response = try await perform(RegistryRequest(.HEAD, "blobs/\(blob.digest)"))
        return response.status == .ok
    }

    /// Where to send a blob; nil when it was copied from `source`.
    private func beginUpload(of blob: Descriptor, mountedFrom source: String?) async throws -> String? {
        if let source {
            let query = URLParts.form([("mount", "\(blob.digest)"), ("from", source)])
            let response = try await perform(RegistryRequest(.POST, "blobs/uploads/?\(query)"))
            if response.status == .created { return nil }
            if response.status == .accepted { return try uploadLocation(response) }
            // The registry may not support or allow it.
        }
        let response = try await perform(RegistryRequest(.POST, "blobs/uploads/"))
        guard response.status == .accepted else { throw await failure(response, "an upload") }
        return try uploadLocation(response)
    }

    private func uploadLocation(_ response: HTTPClientResponse) throws -> String {
        guard let location = response.headers.first(name: "Location") else {
            throw ImageError.registry("\(host.authority) accepted an upload without saying where to send it")
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

    /// Stores a manifest or an index under a tag or its own digest; everything that it names must exist there.
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

/// The registry has lost the upload, or cannot accept it now.
private struct UploadLost: Error, CustomStringConvertible {
    let host: String
    let blob: Digest
    let status: UInt

    var description: String { "\(host) did not accept the upload of \(blob) (status \(status))" }
}

/// The registry received other bytes than were sent: in some registries, simultaneous uploads of one blob damage each
/// other.
private struct UploadRefused: Error {
    let reason: any Error
}
