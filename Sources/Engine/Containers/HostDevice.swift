import EngineWire
import Glibc
import Linux
import OCI
import ProjectModel

/// A device node of the host, as a container gets it.
package struct HostDevice: Hashable, Sendable {
    package let device: RuntimeSpec.Device
    package let rule: RuntimeSpec.DeviceRule

    /// The node at `path`, which the container sees as `target`; nil when it is not a device node.
    private init?(at path: String, as target: String, permissions: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFCHR: kind = "c"
        case S_IFBLK: kind = "b"
        default: return nil
        }
        let number = Self.number(status.st_rdev)
        var device = RuntimeSpec.Device(
            type: kind, path: target, major: number.major, minor: number.minor,
            fileMode: UInt32(status.st_mode & 0o777))
        device.uid = status.st_uid
        device.gid = status.st_gid
        self.device = device
        rule = RuntimeSpec.DeviceRule(
            allow: true, type: kind, major: number.major, minor: number.minor, access: permissions)
    }

    /// The layout of makedev(3) on Linux.
    private static func number(_ device: dev_t) -> (major: Int64, minor: Int64) {
        let number = UInt64(device)
        return (
            Int64((number >> 8) & 0xFFF | (number >> 32) & ~0xFFF), Int64(number & 0xFF | (number >> 12) & ~0xFF)
        )
    }

    /// The nodes of a `devices` entry: one node, or all nodes in a folder.
    /// - Throws: `EngineFailure` when there is none.
    package static func devices(_ mapping: DeviceMapping) throws -> [HostDevice] {
        guard mapping.source.isAbsolutePath else {
            throw EngineFailure(
                code: .unsupported, message: "device \(mapping.source): devices by name (CDI) are not supported",
                hint: "name the device nodes by their paths")
        }
        if let single = HostDevice(at: mapping.source, as: mapping.target, permissions: mapping.permissions) {
            return [single]
        }
        let inside = nodes(below: mapping.source, as: mapping.target, permissions: mapping.permissions)
        guard !inside.isEmpty else {
            let reason = fileExists(mapping.source) ? "is not a device" : "does not exist"
            throw EngineFailure(
                code: .notFound, message: "device \(mapping.source) \(reason)",
                hint: "plug it in or load its driver, or remove it from `devices`")
        }
        return inside
    }

    /// Every device node of the host, except those of which a container has its own.
    package static func all() -> [HostDevice] {
        nodes(below: "/dev", as: "/dev", permissions: "rwm", except: ["pts", "shm", "fd", "mqueue", "console", "ptmx"])
    }

    private static func nodes(
        below folder: String, as target: String, permissions: String, except left: Set<String> = []
    ) -> [HostDevice] {
        ((try? folderEntries(folder)) ?? []).filter { !left.contains($0) }.flatMap { name -> [HostDevice] in
            let path = "\(folder)/\(name)"
            var status = stat()
            // Skip links: their targets are found under their own names.
            guard lstat(path, &status) == 0 else { return [] }
            if status.st_mode & S_IFMT == S_IFDIR {
                return nodes(below: path, as: "\(target)/\(name)", permissions: permissions)
            }
            guard [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT) else { return [] }
            return HostDevice(at: path, as: "\(target)/\(name)", permissions: permissions).map { [$0] } ?? []
        }
    }

    /// The number of a block device, for its I/O limits.
    static func blockDevice(_ path: String) throws -> (major: Int64, minor: Int64) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else {
            throw EngineFailure(
                code: .notFound, message: "blkio_config: \(path) is not a block device",
                hint: "`lsblk -p` lists them")
        }
        return number(status.st_rdev)
    }

    /// Parses a `device_cgroup_rules` entry: `c 1:3 mr`, with `*` for any number.
    /// - Throws: `EngineFailure` for another form.
    package static func rule(_ text: String) throws -> RuntimeSpec.DeviceRule {
        let fields = text.split(separator: " ")
        let numbers = fields.count == 3 ? fields[1].split(separator: ":") : []
        let areNumbers = numbers.allSatisfy { $0 == "*" || Int64($0).map { $0 >= 0 } == true }
        guard fields.count == 3, ["a", "b", "c"].contains(fields[0]), numbers.count == 2, areNumbers,
            !fields[2].isEmpty, fields[2].allSatisfy({ "rwm".contains($0) })
        else {
            throw EngineFailure(
                code: .invalid, message: "device_cgroup_rules: \"\(text)\" is not a device rule",
                hint: "write type, numbers and permissions, such as `c 1:3 rw`")
        }
        return RuntimeSpec.DeviceRule(
            allow: true, type: String(fields[0]), major: Int64(numbers[0]), minor: Int64(numbers[1]),
            access: String(fields[2]))
    }
}
