import EngineWire
import Linux
import Monitor
import OCI
import ProjectModel
import Runtime

extension SpecBuilder {
    /// In this order, because later mounts may be below earlier ones: the kernel's file systems, berth's files, the
    /// service's volumes, secrets.
    func mounts() -> [RuntimeSpec.Mount] {
        var mounts = kernelMounts
        if hasInit {
            mounts.append(
                .init(
                    destination: Self.initPath, type: "bind", source: initProgram, options: ["bind", "ro", "rprivate"]))
        }
        mounts += fileMounts
        mounts += record.mounts.sorted { $0.target < $1.target }.map(mount)
        mounts += secretMounts
        return mounts
    }

    /// Without those that a volume replaces. A volume on /dev replaces everything below it, too.
    private var kernelMounts: [RuntimeSpec.Mount] {
        let taken = Set(record.mounts.map(\.target))
        return DefaultProfile.mounts(sharedMemory: record.template.shmSize ?? 64 << 20).compactMap { mount in
            if taken.contains(mount.destination) { return nil }
            if taken.contains("/dev"), mount.destination.hasBytePrefix("/dev/") { return nil }
            if mount.destination == "/dev/shm" { return sharedMemory(mount) }
            var mount = mount
            if record.template.privileged, ["/sys", "/sys/fs/cgroup"].contains(mount.destination) {
                mount.options = mount.options?.map { $0 == "ro" ? "rw" : $0 }
            }
            return mount
        }
    }

    /// POSIX shared memory consists of files, so containers that share an IPC namespace must share the folder as well.
    private func sharedMemory(_ own: RuntimeSpec.Mount) -> RuntimeSpec.Mount? {
        switch record.template.ipc {
        case "none": return nil
        case "host":
            return .init(destination: "/dev/shm", type: "bind", source: "/dev/shm", options: ["rbind", "rprivate"])
        default:
            guard let owner = surroundings.joinedNamespaces["ipc"]?.life.process else { return own }
            return .init(
                destination: "/dev/shm", type: "bind", source: "/proc/\(owner.pid)/root/dev/shm",
                options: ["rbind", "rprivate"])
        }
    }

    /// hosts, hostname and resolv.conf, unless a volume is mounted over one of them.
    private var fileMounts: [RuntimeSpec.Mount] {
        let taken = Set(record.mounts.map(\.target))
        let folder = paths.containerRun(surroundings.joinedNamespaces["network"]?.id ?? record.id)
        let options = ["bind", "rprivate"] + (record.template.readOnly ? ["ro"] : [])
        return ["hosts", "hostname", "resolv.conf"].filter { !taken.contains("/etc/\($0)") }.map {
            RuntimeSpec.Mount(destination: "/etc/\($0)", type: "bind", source: "\(folder)/\($0)", options: options)
        }
    }

    private var secretMounts: [RuntimeSpec.Mount] {
        SecretFile.files(of: record, paths).map {
            RuntimeSpec.Mount(
                destination: $0.target, type: "bind", source: $0.hostPath, options: ["bind", "ro", "rprivate"])
        }
    }

    private func mount(_ mount: ContainerRecord.Mount) -> RuntimeSpec.Mount {
        let mode = mount.readOnly ? "ro" : "rw"
        switch mount.source {
        case .volume(let name, _, _, let subpath):
            var options = ["rbind", mode, "rprivate"]
            if let subpath { options.append("subpath=\(subpath)") }
            return .init(
                destination: mount.target, type: "bind", source: surroundings.volumes[name] ?? "", options: options)
        case .bind(let path, _, let propagation, let isRecursive, let isWritableBelow):
            // Mounts below a read-only folder are read-only too, unless the file says otherwise.
            let mode = mount.readOnly && isWritableBelow != true ? "rro" : mode
            return .init(
                destination: mount.target, type: "bind", source: path,
                options: [isRecursive ? "rbind" : "bind", mode, propagation ?? "rprivate"])
        case .tmpfs(let size, let permissions, let options):
            // Docker's defaults. The service's own options come later and override them, for example `exec`.
            var all = ["nosuid", "nodev", "noexec", mode]
            if let size { all.append("size=\(size)") }
            if let permissions { all.append("mode=\(String(permissions, radix: 8))") }
            all += (options ?? "").split(separator: ",").map(String.init)
            return .init(destination: mount.target, type: "tmpfs", source: "tmpfs", options: all)
        case .image: return imageMount(mount.target, imageLayers[mount.target] ?? [])
        }
    }

    private func imageMount(_ target: String, _ layers: [String]) -> RuntimeSpec.Mount {
        // overlayfs needs at least two layers.
        guard layers.count > 1 else {
            return .init(
                destination: target, type: "bind", source: layers.first ?? "", options: ["rbind", "ro", "rprivate"])
        }
        return .init(
            destination: target, type: "overlay", source: "overlay", options: ["ro"] + layers.map { "lowerdir+=\($0)" })
    }
}
