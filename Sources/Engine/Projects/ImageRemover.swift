import EngineWire
import ProjectModel
import Reconcile

/// `down --rmi`: removes the images of removed services.
struct ImageRemover: Sendable {
    let machine: any Machine
    let use: ImageUse
    let operation: Operation

    /// The references to remove, each once. `local` selects images without a name in the file: built as
    /// `PROJECT-SERVICE`.
    static func references(
        _ removal: DownOptions.ImageRemoval, of services: [Service], project: String
    ) -> [String] {
        let wanted = services.filter { removal == .all || !$0.hasNamedImage(in: project) }
        return Set(wanted.compactMap(\.image)).sorted()
    }

    /// - Returns: How many images were removed, and the failures. It is no failure if an image is needed or does not
    ///   exist.
    func remove(_ references: [String]) async -> (count: Int, failures: [EngineFailure]) {
        var count = 0
        var failures: [EngineFailure] = []
        for reference in references {
            operation.object(.image, reference, "Removing")
            do {
                switch try await machine.removeImage(reference, inUse: use.ids()) {
                case .removed:
                    count += 1
                    operation.object(.image, reference, "Removed", done: true)
                case .inUse: operation.object(.image, reference, "Resource is still in use", done: true)
                case .missing: operation.object(.image, reference, "Warning: No resource found to remove", done: true)
                }
            } catch {
                let failure = EngineFailure(describing: error)
                operation.object(.image, reference, "Error", done: true, failed: true, reason: failure.message)
                failures.append(failure)
            }
        }
        return (count, failures)
    }
}
