import Engine
import EngineWire
import HTTPService
import Images
import JSON
import NIOHTTP1
import OCI

/// The routes that push to registries, and that ask them about images.
extension Handlers {
    func pushImage(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("name")
        let logins = RegistryAuth.logins(request.header("x-registry-auth"), for: name)
        let events = try await engine.pushLayers(name, tag: request.query.word("tag"), logins: logins)
        return .values(PushText.lines(of: name, events))
    }

    /// Describes what a registry has under a name, without pulling it.
    func distribution(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("name")
        let logins = RegistryAuth.logins(request.header("x-registry-auth"), for: name)
        let image: RemoteImage
        do { image = try await engine.remoteImage(name, logins: logins) } catch let failure as EngineFailure
            where failure.code == .noRights
        {
            throw DockerFailure(.unauthorized, failure.message)
        }
        return .json(
            .members([
                "Descriptor": JSONValue.members([
                    "mediaType": image.descriptor.mediaType, "digest": "\(image.descriptor.digest)",
                    "size": image.descriptor.size,
                ]),
                "Platforms": image.platforms.map { platform in
                    JSONValue.members(["architecture": platform.architecture, "os": platform.os])
                        .adding(["variant": platform.variant, "os.version": platform.osVersion])
                },
            ]))
    }
}

/// The progress of a push, in the words and the order that `docker push` draws.
enum PushText {
    static func lines(of name: String, _ events: AsyncStream<PushEvent>) -> AsyncStream<JSONValue> {
        let (stream, continuation) = AsyncStream.makeStream(of: JSONValue.self)
        let repository = Self.repository(name)
        let task = Task {
            var blobs = Blobs()
            continuation.yield(.members(["status": "The push refers to repository [\(repository)]"]))
            for await event in events {
                for line in blobs.lines(event) { continuation.yield(line) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// The full name without its tag.
    private static func repository(_ name: String) -> String {
        guard let reference = try? Reference(name) else { return name }
        return "\(reference.domain)/\(reference.path)"
    }

    private struct Blobs {
        /// The number of bytes in the last line of each layer: a bar needs at most a hundred steps.
        private var told: [String: Int64] = [:]

        mutating func lines(_ event: PushEvent) -> [JSONValue] {
            switch event {
            case .layers(let layers): return layers.map { ImageProgress.line($0.name, "Preparing") }
            case .present(let name): return [ImageProgress.line(name, "Layer already exists")]
            case .mounted(let name, let source): return [ImageProgress.line(name, "Mounted from \(source)")]
            case .transferred(let name, let bytes, let total):
                guard bytes == total || bytes - (told[name] ?? 0) >= max(1, total / 100) else { return [] }
                told[name] = bytes
                return [ImageProgress.bar(name, "Pushing", bytes, total)]
            case .pushed(let name): return [ImageProgress.line(name, "Pushed")]
            case .tagged(let tag, let digest, let size):
                return [
                    .members(["status": "\(tag): digest: \(digest) size: \(size)"]),
                    .members([
                        "progressDetail": JSONValue.emptyObject,
                        "aux": JSONValue.members(["Tag": tag, "Digest": digest, "Size": size]),
                    ]),
                ]
            case .failed(let failure): return [ImageProgress.error(failure)]
            }
        }
    }
}
