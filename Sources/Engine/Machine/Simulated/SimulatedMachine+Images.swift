import EngineWire
import Synchronization

extension SimulatedMachine {
    package func image(_ reference: String) async throws -> MachineImage? {
        state.withLock { state in state.images[reference] ?? state.images.values.first { $0.id == reference } }
    }

    package func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage {
        state.withLock { $0.world.journal.append("pull \(reference)") }
        while state.withLock({ $0.faults.pullsHang }) { try await Task.sleep(for: .milliseconds(1)) }
        if !state.withLock({ $0.faults.pullsFail }), let image = try await image(reference) { return image }
        throw EngineFailure(code: .imageMissing, message: "no registry in a simulation: \(reference)")
    }

    package func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval {
        state.withLock { state in
            guard let image = state.images[reference] else { return .missing }
            let isLast = !state.images.contains { $0.key != reference && $0.value.id == image.id }
            if isLast, inUse.contains(image.id) { return .inUse }
            state.world.journal.append("remove image \(reference)")
            state.images[reference] = nil
            return .removed
        }
    }

    package func check(user: String, groups: [String], in image: MachineImage) async throws {
        guard let known = state.withLock({ $0.accounts[image.id] }) else { return }
        let names = user.split(separator: ":").map(String.init) + groups
        guard let unknown = names.first(where: { UInt32($0) == nil && !known.contains($0) }) else { return }
        throw EngineFailure(code: .invalid, message: "unable to find \(unknown)")
    }
}
