import CLinux
import EngineWire
import Glibc
import Linux
import ProjectModel

/// A volume of the local driver that is mounted from elsewhere (`driver_opts`: type, device, o).
struct VolumeMount {
    let type: String
    let device: String
    let flags: UInt
    let data: String

    private static let flagNames: [String: UInt] = [
        "bind": UInt(MS_BIND), "rbind": UInt(MS_BIND | MS_REC), "ro": UInt(MS_RDONLY),
        "nosuid": UInt(MS_NOSUID), "nodev": UInt(MS_NODEV), "noexec": UInt(MS_NOEXEC),
        "noatime": UInt(MS_NOATIME), "rw": 0, "defaults": 0,
    ]

    init(options: [String: String], device: String) {
        self.device = device
        type = options["type"] ?? "none"
        var flags: UInt = 0
        var data: [String] = []
        for option in (options["o"] ?? "").split(separator: ",").map(String.init) {
            if let flag = Self.flagNames[option] { flags |= flag } else { data.append(option) }
        }
        self.flags = flags
        self.data = data.joined(separator: ",")
    }

    /// - Throws: `EngineFailure` for options that the local driver does not have, or that mean nothing without a device.
    static func check(_ definition: VolumeDefinition) throws {
        let options = definition.driverOptions
        if let unknown = options.keys.sorted().first(where: { !["type", "device", "o"].contains($0) }) {
            throw EngineFailure(
                code: "unsupported", message: "volume \(definition.name): driver option \"\(unknown)\" is unknown",
                hint: "the local driver has type, device and o")
        }
        guard !options.isEmpty, options["device"]?.isEmpty ?? true else { return }
        throw EngineFailure(
            code: "invalid", message: "volume \(definition.name): driver_opts lack `device`, what is mounted",
            hint: "for memory: {type: tmpfs, device: tmpfs}; for a folder: {type: none, o: bind, device: /path}")
    }

    func mount(at path: String) throws {
        guard !Self.isMounted(path) else { return }
        try syscall("mount", on: "\(device) on \(path)") {
            berth_mount(device, path, type, flags, data)
        }
    }

    static func unmount(_ path: String) { if isMounted(path) { _ = berth_umount2(path, 2) } }

    private static func isMounted(_ path: String) -> Bool {
        let mounts = (try? readText("/proc/self/mountinfo", limit: 16 << 20)) ?? ""
        return mounts.split(separator: "\n").contains { $0.split(separator: " ").dropFirst(4).first == Substring(path) }
    }
}
