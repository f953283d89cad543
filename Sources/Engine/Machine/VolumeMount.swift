import CLinux
import Glibc
import Linux

/// A volume of the local driver whose content is mounted from elsewhere (`driver_opts`: type, device, o).
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

    /// Mounts it unless it is mounted already. A network file system may take a while.
    func mount(at path: String) throws {
        guard !MountTable.current.isMounted(path) else { return }
        let data = isNetwork ? Self.resolvingAddress(data) : data
        try syscall("mount", on: "\(device) on \(path)") {
            berth_mount(device, path, type, flags, data)
        }
    }

    private var isNetwork: Bool { ["nfs", "nfs4", "cifs", "smb3"].contains(type) }

    /// The kernel needs an address in `addr=`, but people write names.
    private static func resolvingAddress(_ data: String) -> String {
        data.split(separator: ",").map { option in
            guard option.hasPrefix("addr="), let address = HostLookup.addresses(of: String(option.dropFirst(5))).first
            else { return String(option) }
            return "addr=\(address)"
        }.joined(separator: ",")
    }

    static func unmount(_ path: String) { if MountTable.current.isMounted(path) { _ = berth_umount2(path, 2) } }
}
