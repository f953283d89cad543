import EngineWire
import Images
import Linux
import OCI

/// Images.
package protocol ImageFacet: Sendable {
    /// What `reference` names here; nil when nothing does.
    func image(_ reference: String) async throws -> MachineImage?
    /// Whether the image knows the user and the groups, given as `user` and `group_add` are.
    /// - Throws: `EngineFailure` for one that it does not, or when it cannot be read.
    func check(user: String, groups: [String], in image: MachineImage) async throws
    func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage
    /// The same, told layer by layer.
    func pullLayers(
        _ reference: Reference, platform: Platform?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws -> PulledImage
    /// The reference with the digest that its registry has for it now.
    func resolve(_ reference: Reference, logins: RegistryLogins) async throws -> Reference
    /// Sends the image that `reference` names to its registry.
    /// - Returns: the manifest, as the registry has it now.
    func push(
        _ reference: Reference, logins: RegistryLogins, progress: @escaping @Sendable (PushProgress) -> Void
    ) async throws -> Descriptor
    /// What a registry has under `reference`; nothing of it is kept.
    func remoteImage(_ reference: Reference, logins: RegistryLogins) async throws -> RemoteImage
    /// Asks a registry whether it takes the login.
    /// - Throws: `ImageError.unauthorized` when it does not.
    func checkLogin(at server: String, logins: RegistryLogins) async throws

    /// Takes the name `reference` from its image, and the image away with its last name.
    ///
    /// `inUse` are the ids of images that must stay.
    func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval

    // The store.

    func storedImages() async throws -> StoredImages
    /// What `name`, a reference or the start of an id, stands for; nil when there is none.
    func storedImage(_ name: String) async throws -> Image?
    /// Makes an image out of a root file system in a tar.
    func importImage(
        _ request: ImportRequest, from archive: borrowing OwnedFD,
        progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> Image
    /// Loads the images of an archive.
    func loadImages(
        from archive: borrowing OwnedFD, progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> [LoadedImage]
    /// Writes images with their names as an archive to `sink`, which is closed when that is done.
    func saveImages(_ names: [String], to sink: CInt) async throws
    func tagImage(_ source: String, as target: Reference) async throws
    /// Takes a name away, and the image with it when that was the last; or an image by its id. Those `inUse` stay; without `force`
    /// that is an error.
    func removeImage(_ name: String, force: Bool, inUse: Set<Digest>) async throws -> [RemovedImage]
    /// Removes what nobody needs any more: what lost its last name and is not to be kept.
    func collectImages(keeping: Set<Digest>) async throws -> Collected
    /// Removes images that are not to be kept, the nameless ones or all, as far as `isWanted` says.
    func pruneImages(
        includingNamed: Bool, keeping: Set<Digest>, where isWanted: @escaping @Sendable (Image) -> Bool
    ) async throws -> Collected
}

/// An image that a registry gave.
package struct PulledImage: Sendable {
    package var image: Image
    /// What the registry calls it.
    package var repositoryDigest: Digest?
    /// Its name meant something else before, or nothing.
    package var isNew: Bool
}

/// What an image store has.
package struct StoredImages: Sendable {
    package var named: [TaggedImage]
    package var nameless: [Image]
}

/// What became of an image that was to go.
package enum ImageRemoval: Hashable, Sendable {
    case removed
    /// It stays: something still needs it.
    case inUse
    case missing
}

/// An image as the engine needs it to make containers.
package struct MachineImage: Hashable, Sendable {
    package var id: String
    package var config: ImageConfig.Execution
    /// `linux/amd64`; nil when nothing tells.
    package var platform: String?
    /// When it was pulled or loaded under its name, seconds since 1970.
    package var updated: Int64?

    package init(id: String, config: ImageConfig.Execution, platform: String? = nil, updated: Int64? = nil) {
        self.id = id
        self.config = config
        self.platform = platform
        self.updated = updated
    }
}

package enum PullStep: Hashable, Sendable {
    case transfer(done: Int64, total: Int64?)
}
