import Synchronization

extension SimulatedMachine {
    package func createVolume(_ volume: VolumeRecord) async throws -> String {
        try await act("create volume \(volume.name)", chance: \.createFails) { $0.world.volumes.insert(volume.name) }
        return "/simulated/\(volume.name)"
    }

    package func mountVolume(_ volume: VolumeRecord, for container: String) async throws -> String {
        try await act("mount volume \(volume.name)", chance: \.spawnFails) { state in
            state.world.mounts[volume.name, default: []].insert(container)
        }
        return "/simulated/\(volume.name)"
    }

    package func unmountVolume(_ volume: VolumeRecord, for container: String) async {
        state.withLock { state in
            if !state.isCrashed { state.world.unmount(volume.name, container) }
        }
    }

    package func removeVolume(_ volume: VolumeRecord) async throws {
        try await act("remove volume \(volume.name)", chance: \.removeFails) { $0.world.removeVolume(volume.name) }
    }
}
