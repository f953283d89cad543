import JSON
import OCI

/// A registry's or a layout's description of an image: one manifest, or an index of several.
enum ManifestDocument {
    case manifest(Manifest)
    case index(Index)

    static let manifestTypes = [MediaType.manifest, MediaType.dockerManifest]
    static let indexTypes = [MediaType.index, MediaType.dockerManifestList]

    /// Parses a document of type `mediaType`. Refuses one that could be read as either kind, because two readers of one
    /// digest would see different images (CVE-2021-41190).
    init(_ bytes: [UInt8], mediaType: String) throws(ImageError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 4 << 20))
        } catch {
            throw .invalidImage("the manifest is not JSON: \(plainText(of: error))")
        }
        if value["schemaVersion"]?.integer == 1 {
            throw .invalidImage("the manifest has the old schema version 1; push the image again with a newer tool")
        }
        let inside = value["mediaType"]?.string
        guard inside == nil || inside == mediaType else {
            throw .invalidImage("the manifest was sent as \(mediaType), but says that it is \(inside ?? "")")
        }
        let hasLayers = value["layers"] != nil || value["config"] != nil
        guard !(hasLayers && value["manifests"] != nil) else {
            throw .invalidImage("the document is a manifest and an index at once")
        }
        do {
            if Self.indexTypes.contains(mediaType) {
                self = .index(try value.decode(Index.self))
            } else if Self.manifestTypes.contains(mediaType) {
                self = .manifest(try value.decode(Manifest.self))
            } else {
                throw ImageError.invalidImage("\(mediaType) is not a type of image that can run")
            }
        } catch let error as ImageError {
            throw error
        } catch {
            throw .invalidImage("the manifest has an invalid form: \(plainText(of: error))")
        }
    }
}

extension Index {
    /// The image that runs best on `platform`.
    /// - Throws: `ImageError.noPlatform`, which lists the available platforms.
    func choose(_ platform: Platform) throws(ImageError) -> Descriptor {
        let images = manifests.filter { !$0.isAttestation }
        var best: (distance: Int, descriptor: Descriptor)?
        for descriptor in images {
            // Use an entry without a platform if there is nothing better: a list with one entry often has none.
            let distance = descriptor.platform.map { platform.distance(to: $0) } ?? 1000
            if let distance, distance < best?.distance ?? .max { best = (distance, descriptor) }
        }
        guard let best else {
            throw .noPlatform(
                wanted: platform.text, available: images.compactMap { $0.platform?.text }.sorted())
        }
        return best.descriptor
    }
}

extension Descriptor {
    /// BuildKit lists attestations about an image beside it, under a platform that does not exist.
    var isAttestation: Bool {
        annotations?["vnd.docker.reference.type"] == "attestation-manifest"
            || platform?.os == "unknown" && platform?.architecture == "unknown"
    }
}
