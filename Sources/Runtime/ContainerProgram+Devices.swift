import CLinux
import Glibc
import OCI

extension ContainerProgram {
    /// Adds the device nodes and links that programs expect in /dev (config-linux.md, "Default Devices"). A host folder
    /// mounted there has its own.
    func addDevices() throws(RuntimeFailure) {
        let wanted = linux.devices ?? []
        for device in Self.defaultDevices where !wanted.contains(where: { $0.path == device.path }) {
            try addDevice(device, isWanted: false)
        }
        for device in wanted { try addDevice(device, isWanted: true) }
        for (link, path) in Self.defaultLinks {
            program.add(BERTH_MAKE_LINK, .doing("link \(path)"), in: root, text: link, text2: path)
        }
        if spec.mounts?.contains(where: { $0.type == "devpts" }) == true {
            program.add(BERTH_MAKE_LINK, .doing("link /dev/ptmx"), in: root, text: "pts/ptmx", text2: "/dev/ptmx")
        }
    }

    private func addDevice(_ device: RuntimeSpec.Device, isWanted: Bool) throws(RuntimeFailure) {
        let kind: mode_t
        switch device.type {
        case "c", "u": kind = S_IFCHR
        case "b": kind = S_IFBLK
        case "p": kind = S_IFIFO
        default:
            throw RuntimeFailure(
                step: "device \(device.path)", message: "device \(device.path): no such type \"\(device.type)\"")
        }
        let mode = UInt64(kind | mode_t(device.fileMode ?? 0o666) & 0o7777)
        let number = Self.deviceNumber(major: UInt64(device.major ?? 0), minor: UInt64(device.minor ?? 0))
        let owner = UInt64(device.uid ?? 0) << 32 | UInt64(device.gid ?? 0)
        program.add(
            BERTH_MAKE_NODE, .doing("make device \(device.path)"), in: root, in2: isWanted ? .wanted : .none,
            text: device.path, a: mode, b: kind == S_IFIFO ? 0 : number, c: owner)
    }

    /// In the encoding of makedev(3).
    static func deviceNumber(major: UInt64, minor: UInt64) -> UInt64 {
        (major & 0xFFF) << 8 | (major & 0xFFFF_F000) << 32 | minor & 0xFF | (minor & 0xFFFF_FF00) << 12
    }

    static let defaultDevices = [
        RuntimeSpec.Device(type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o666),
        RuntimeSpec.Device(type: "c", path: "/dev/zero", major: 1, minor: 5, fileMode: 0o666),
        RuntimeSpec.Device(type: "c", path: "/dev/full", major: 1, minor: 7, fileMode: 0o666),
        RuntimeSpec.Device(type: "c", path: "/dev/random", major: 1, minor: 8, fileMode: 0o666),
        RuntimeSpec.Device(type: "c", path: "/dev/urandom", major: 1, minor: 9, fileMode: 0o666),
        RuntimeSpec.Device(type: "c", path: "/dev/tty", major: 5, minor: 0, fileMode: 0o666),
    ]

    private static let defaultLinks = [
        ("/proc/self/fd", "/dev/fd"), ("/proc/self/fd/0", "/dev/stdin"), ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"), ("/proc/kcore", "/dev/core"),
    ]
}
