import Glibc
import Linux
import OCI
import Tar

extension ImageStore {
    /// Writes images as an archive to `output`: an OCI layout that is also a docker-archive, so that `docker load`,
    /// podman, skopeo and `load` can read it.
    ///
    /// An image given by name gets that name in the archive; one given by ID gets none.
    /// - Throws: `ImageError.notFound` before anything is written.
    package func save(_ names: [String], to output: CInt) async throws {
        var chosen: [ArchivedImage] = []
        for name in names {
            let found = try archived(name)
            if let place = chosen.firstIndex(where: { $0.image.id == found.image.id }) {
                chosen[place].names += found.names.filter { !chosen[place].names.contains($0) }
            } else {
                chosen.append(found)
            }
        }
        let images = chosen
        try await withLease { lease in
            for image in images.map(\.image) {
                await hold([image.id, image.manifestDigest] + image.layers.map(\.digest), in: lease)
            }
            try await pool.run { [self] in
                try writeArchive(of: images, as: .docker, to: TarWriter.sink(to: output, "the archive"))
            }
        }
    }

    private func archived(_ name: String) throws -> ArchivedImage {
        if let reference = try? Reference(name), let image = image(reference) {
            return ArchivedImage(image, names: reference.digest == nil ? [reference] : [])
        }
        guard let image = try resolve(name) else { throw ImageError.notFound(name) }
        return ArchivedImage(image, names: [])
    }
}
