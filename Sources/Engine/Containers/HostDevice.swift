import Glibc
import OCI
import ProjectModel

/// A device node of the host, as a service asks for it.
struct HostDevice {
    let device: RuntimeSpec.Device
    let rule: RuntimeSpec.DeviceRule

    /// nil when there is no device node at the source.
    init?(mapping: DeviceMapping) {
        var status = stat()
        guard stat(mapping.source, &status) == 0 else { return nil }
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFCHR: kind = "c"
        case S_IFBLK: kind = "b"
        default: return nil
        }
        // The layout of makedev(3) on Linux.
        let number = UInt64(status.st_rdev)
        let major = Int64((number >> 8) & 0xFFF | (number >> 32) & ~0xFFF)
        let minor = Int64(number & 0xFF | (number >> 12) & ~0xFF)
        var device = RuntimeSpec.Device(
            type: kind, path: mapping.target, major: major, minor: minor, fileMode: UInt32(status.st_mode & 0o777))
        device.uid = status.st_uid
        device.gid = status.st_gid
        self.device = device
        rule = RuntimeSpec.DeviceRule(allow: true, type: kind, major: major, minor: minor, access: mapping.permissions)
    }

    /// A `device_cgroup_rules` entry: `c 1:3 mr`, with `*` for any number; nil when it is none.
    static func rule(_ text: String) -> RuntimeSpec.DeviceRule? {
        let fields = text.split(separator: " ")
        guard fields.count == 3, ["a", "b", "c"].contains(fields[0]) else { return nil }
        let numbers = fields[1].split(separator: ":")
        guard numbers.count == 2 else { return nil }
        return RuntimeSpec.DeviceRule(
            allow: true, type: String(fields[0]), major: Int64(numbers[0]), minor: Int64(numbers[1]),
            access: String(fields[2]))
    }
}
