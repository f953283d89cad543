import EngineWire
import Linux
import ProjectModel

/// Volumes that are folders below the engine's root, or file systems mounted there (`driver_opts`: type, device, o).
struct LocalVolumes: VolumeDriver {
    let name = "local"

    let paths: EnginePaths
    let blocking: BlockingPool

    func create(_ volume: VolumeRecord) async throws -> String {
        try Self.checkName(of: volume)
        let path = paths.volume(volume.name)
        try await blocking.run {
            // 0755 inside a folder that only root may enter: files keep the owners from the image.
            try makeFolders(path, mode: 0o755)
            if let device = volume.definition.driverOptions["device"] {
                try VolumeMount(options: volume.definition.driverOptions, device: device).mount(at: path)
            }
        }
        return path
    }

    /// A reboot may have removed the mount, and containers must not write into the folder below it. It stays mounted
    /// for later containers.
    func mount(_ volume: VolumeRecord, for container: String) async throws -> String {
        volume.isMounted ? try await create(volume) : paths.volume(volume.name)
    }

    func unmount(_ volume: VolumeRecord, for container: String) async throws {}

    func remove(_ volume: VolumeRecord) async throws {
        try Self.checkName(of: volume)
        let path = paths.volume(volume.name)
        let folder = String(path.dropLast("/_data".count))
        try await blocking.run {
            if volume.isMounted { VolumeMount.unmount(path) }
            try removeTree(folder)
        }
    }

    /// Checks the name, whoever sent it, so that its folder is below the folder of all volumes and removing it touches
    /// nothing else.
    private static func checkName(of volume: VolumeRecord) throws {
        guard !isPlainName(volume.name) else { return }
        throw EngineFailure(
            code: .invalid, message: "\"\(volume.name)\" cannot be the name of a volume",
            hint: "use letters, digits, _, . and -")
    }
}
