import EngineWire
import Images
import Linux
import OCI

/// Images.
package protocol ImageFacet: Sendable {
    /// The image that `reference` names on this machine; nil when there is none.
    func image(_ reference: String) async throws -> MachineImage?
    /// Checks that the image knows the user and the groups of `user` and `group_add`.
    /// - Throws: `EngineFailure` for an unknown one, or when the image cannot be read.
    func check(user: String, groups: [String], in image: MachineImage) async throws
    func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage
    /// Like `pull`, but reports each layer.
    func pullLayers(
        _ reference: Reference, platform: Platform?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws -> PulledImage
    /// The reference with its current digest at the registry.
    func resolve(_ reference: Reference, logins: RegistryLogins) async throws -> Reference
    /// Pushes the image that `reference` names to its registry.
    /// - Returns: The manifest that the registry has now.
    func push(
        _ reference: Reference, logins: RegistryLogins, progress: @escaping @Sendable (PushProgress) -> Void
    ) async throws -> Descriptor
    /// What a registry has under `reference`. Stores nothing.
    func remoteImage(_ reference: Reference, logins: RegistryLogins) async throws -> RemoteImage
    /// Asks a registry whether it accepts the login.
    /// - Throws: `ImageError.unauthorized` when it does not.
    func checkLogin(at server: String, logins: RegistryLogins) async throws

    /// Removes the name `reference`, and the image too if that was its last name.
    ///
    /// `inUse` are the ids of images that must stay.
    func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval

    // All images in the store.

    func storedImages() async throws -> StoredImages
    /// The image with this reference or id prefix; nil when there is none.
    func storedImage(_ name: String) async throws -> Image?
    /// Creates an image from the root file system in a tar.
    func importImage(
        _ request: ImportRequest, from archive: borrowing OwnedFD,
        progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> Image
    /// Loads the images of an archive.
    func loadImages(
        from archive: borrowing OwnedFD, progress: @escaping @Sendable (ImportStep) -> Void
    ) async throws -> [LoadedImage]
    /// Writes images and their names as an archive to `sink`, and closes `sink`.
    func saveImages(_ names: [String], to sink: CInt) async throws
    func tagImage(_ source: String, as target: Reference) async throws
    /// Removes a name, and the image too if that was its last name; or an image by its id. Images in `inUse` stay;
    /// without `force` that is an error.
    func removeImage(_ name: String, force: Bool, inUse: Set<Digest>) async throws -> [RemovedImage]
    /// Keeps images that have lost their last name until somebody names, removes or prunes them.
    func keepImages(_ ids: Set<Digest>) async throws
    /// Removes images without a name that nothing keeps.
    func collectImages(keeping: Set<Digest>) async throws -> Collected
    /// Removes images that nothing keeps and that `isWanted` selects: those without a name, or all.
    func pruneImages(
        includingNamed: Bool, keeping: Set<Digest>, where isWanted: @escaping @Sendable (Image) -> Bool
    ) async throws -> Collected
}

/// An image from a registry.
package struct PulledImage: Sendable {
    package var image: Image
    /// Its digest at the registry.
    package var repositoryDigest: Digest?
    /// The name pointed to another image before, or to none.
    package var isNew: Bool
}

/// The content of an image store.
package struct StoredImages: Sendable {
    package var named: [TaggedImage]
    package var nameless: [Image]
}

/// The result of removing an image.
package enum ImageRemoval: Hashable, Sendable {
    case removed
    /// It was kept because something still needs it.
    case inUse
    case missing
}

/// The facts about an image that the engine needs to create containers.
package struct MachineImage: Hashable, Sendable {
    package var id: String
    package var config: ImageConfig.Execution
    /// `linux/amd64`; nil when unknown.
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
