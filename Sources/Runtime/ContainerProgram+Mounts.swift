import CLinux
import Glibc
import Linux
import OCI

extension ContainerProgram {
    /// Mounts the root file system at its place in the bundle, in the container's own mount namespace.
    func addRoot() throws(RuntimeFailure) {
        guard let path = spec.root?.path, !path.isEmpty else {
            throw RuntimeFailure(step: "root", message: "root.path is missing")
        }
        let folder = absolute(path)
        switch request.rootfs {
        case .directory:
            let place = program.register()
            program.add(
                BERTH_CLONE_TREE, .doing("open the root file system \(folder)"), out: root, text: folder, a: 1, b: 1)
            program.add(
                BERTH_OPEN, .doing("open \(folder)"), out: place, text: folder, a: UInt64(BERTH_O_PATH))
            program.add(BERTH_MOVE_MOUNT, .doing("mount the root file system \(folder)"), in: root, in2: place)
            program.add(BERTH_CLOSE, .doing("close \(folder)"), in: place)
        case .overlay(let lower, let upper, let work):
            // An empty folder to mount on; it is in the bundle, and so is removed with it.
            mkdir(folder, 0o755)
            let overlay = overlay(lower: lower, upper: upper, work: work, at: folder)
            program.add(
                BERTH_OVERLAY, .doing("mount the root file system on \(folder)"), out: root,
                data: program.array([overlay]))
        }
        // As a slave of the host it receives later mounts of the host. No other propagation matters before the root
        // changes.
        if try rootPropagation?.kind == MountOptions.Propagation.slave { return }
        program.add(
            BERTH_SETATTR, .doing("make the root file system private"), in: root, in2: .allBelow,
            c: MountOptions.Propagation.private)
    }

    /// `linux.rootfsPropagation`; nil leaves the root private.
    private var rootPropagation: (kind: UInt64, isRecursive: Bool)? {
        get throws(RuntimeFailure) {
            guard let name = linux.rootfsPropagation, !name.isEmpty else { return nil }
            let options = MountOptions([name])
            guard let kind = options.propagation else {
                throw RuntimeFailure(
                    step: "rootfsPropagation", message: "rootfsPropagation: \"\(name)\" is not a kind of propagation")
            }
            return (kind, options.isPropagationRecursive)
        }
    }

    /// After the root was changed, because pivot_root(2) does not accept a shared root.
    func addRootPropagation() throws(RuntimeFailure) {
        guard let (kind, isRecursive) = try rootPropagation else { return }
        program.add(
            BERTH_SETATTR, .doing("set the propagation of the root file system"), in: root,
            in2: isRecursive ? .allBelow : .none, c: kind)
    }

    /// Without `upper` it is read-only.
    private func overlay(
        lower: [String], upper: String? = nil, work: String? = nil, at folder: String
    ) -> berth_overlay {
        berth_overlay(
            lower: program.strings(lower), upper: upper.map { program.string($0) },
            work: work.map { program.string($0) }, mountpoint: program.string(folder),
            user_xattr: namespaces.isOwn(.user) ? 1 : 0)
    }

    /// Clones binds that must stay in their source's peer group, before our copy of the host's tree becomes a slave of
    /// it.
    func addEarlyBinds() -> [Int: StepProgram.Register] {
        var early: [Int: StepProgram.Register] = [:]
        for (index, mount) in (spec.mounts ?? []).enumerated() {
            let options = MountOptions(mount.options ?? [])
            guard options.isBind, options.propagation == MountOptions.Propagation.shared else { continue }
            early[index] = addBindSource(mount, options)
        }
        return early
    }

    func isCgroup(_ mount: RuntimeSpec.Mount) -> Bool { mount.type == "cgroup" || mount.type == "cgroup2" }

    /// Adds one entry of `mounts`.
    func addMount(_ mount: RuntimeSpec.Mount, early: StepProgram.Register?) throws(RuntimeFailure) {
        let options = MountOptions(mount.options ?? [])
        try check(mount, options)
        if isCgroup(mount), !options.isBind {
            addCgroupMount(mount, options)
        } else if options.isBind || mount.type == "bind" {
            addBind(mount, options, early: early)
        } else if mount.type == "sysfs", namespaces.isOwn(.user), !namespaces.isOwn(.network) {
            // sysfs shows a network namespace, and this one belongs to somebody else, so bind the host's sysfs.
            let bind = RuntimeSpec.Mount(destination: mount.destination, source: "/sys", options: mount.options)
            var copy = options
            copy.isRecursiveBind = true
            addBind(bind, copy, early: nil)
        } else {
            addFilesystem(mount, options)
        }
    }

    private func check(_ mount: RuntimeSpec.Mount, _ options: MountOptions) throws(RuntimeFailure) {
        func refuse(_ reason: String) -> RuntimeFailure {
            RuntimeFailure(step: "mount \(mount.destination)", message: "mount \(mount.destination): \(reason)")
        }
        let parts = mount.destination.pathParts
        guard mount.destination.isAbsolutePath else { throw refuse("the destination must be an absolute path") }
        guard !Self.isRoot(parts) else { throw refuse("the root itself cannot be mounted over") }
        guard !options.copiesUp else { throw refuse("tmpcopyup is not supported") }
        guard mount.uidMappings == nil, mount.gidMappings == nil else { throw refuse("id mappings are not supported") }
        let isProcess = parts == ["proc"]
        let isBindOfProc = options.isBind && mount.source == "/proc"
        if mount.type == "proc", !isProcess { throw refuse("proc belongs on /proc") }
        if mount.type == "sysfs", parts != ["sys"] { throw refuse("sysfs belongs on /sys") }
        // Masks and sysctls rely on what is mounted there.
        if isProcess, mount.type != "proc", !isBindOfProc { throw refuse("only proc can be mounted on /proc") }
    }

    /// An absolute path of these parts is `/`, read without following links.
    private static func isRoot(_ parts: [String]) -> Bool {
        parts.reduce(0) { depth, part in part == "." ? depth : part == ".." ? max(0, depth - 1) : depth + 1 } == 0
    }

    private func addBindSource(_ mount: RuntimeSpec.Mount, _ options: MountOptions) -> StepProgram.Register {
        let source = absolute(mount.source ?? "")
        let tree = program.register()
        let note = StepNote.doing("mount \(mount.destination): bind source \(source)")
        let recursive: UInt64 = options.isRecursiveBind ? 1 : 0
        if let subpath = options.subpath {
            let note = StepNote.doing("mount \(mount.destination): \(subpath) in \(source)")
            let base = program.register()
            let found = program.register()
            program.add(BERTH_OPEN, note, out: base, text: source, a: UInt64(BERTH_O_PATH))
            program.add(BERTH_OPEN_BENEATH, note, in: base, out: found, text: subpath)
            program.add(BERTH_CLONE_TREE, note, in: found, out: tree, a: recursive)
            program.add(BERTH_CLOSE, note, in: found)
            program.add(BERTH_CLOSE, note, in: base)
        } else if let place = Self.foreignPlace(source) {
            addForeignSource(place.path, ofProcess: place.pid, tree, note, recursive)
        } else {
            program.add(BERTH_CLONE_TREE, note, out: tree, text: source, a: recursive)
        }
        return tree
    }

    /// `/proc/PID/root/PATH`: the file or folder at PATH in another container. Its mounts belong to its own namespace,
    /// and the kernel clones them only from inside.
    private static func foreignPlace(_ source: String) -> (pid: String, path: String)? {
        let slash = UInt8(ascii: "/")
        let parts = source.utf8.split(separator: slash, maxSplits: 3).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 4, parts[0] == "proc", Int(parts[1]) != nil, parts[2] == "root" else { return nil }
        return (parts[1], "/\(parts[3])")
    }

    private func addForeignSource(
        _ path: String, ofProcess pid: String, _ tree: StepProgram.Register, _ note: StepNote, _ recursive: UInt64
    ) {
        let kind = NamespacePlan.Kind.mount
        let home = program.register()
        let other = program.register()
        program.add(BERTH_OPEN, note, out: home, text: "/proc/self/ns/\(kind.file)", a: UInt64(O_RDONLY))
        program.add(BERTH_OPEN, note, out: other, text: "/proc/\(pid)/ns/\(kind.file)", a: UInt64(O_RDONLY))
        program.add(BERTH_SETNS, note, in: other, a: kind.flag)
        program.add(BERTH_CLONE_TREE, note, out: tree, text: path, a: recursive)
        program.add(BERTH_SETNS, note, in: home, a: kind.flag)
        program.add(BERTH_CLOSE, note, in: other)
        program.add(BERTH_CLOSE, note, in: home)
    }

    private func addBind(_ mount: RuntimeSpec.Mount, _ options: MountOptions, early: StepProgram.Register?) {
        let tree = early ?? addBindSource(mount, options)
        addAttributes(tree, options, mount.destination)
        if early == nil {
            let kind = options.propagation ?? MountOptions.Propagation.private
            let isRecursive = options.propagation == nil || options.isPropagationRecursive
            program.add(
                BERTH_SETATTR, .doing("mount \(mount.destination): propagation"), in: tree,
                in2: isRecursive ? .allBelow : .none, c: kind)
        }
        addMove(tree, onto: mount.destination, like: tree, isProc: mount.source == "/proc")
    }

    private func addAttributes(_ tree: StepProgram.Register, _ options: MountOptions, _ destination: String) {
        let note = StepNote.doing("mount \(destination): options")
        if options.set | options.clear != 0 {
            program.add(BERTH_SETATTR, note, in: tree, a: options.set, b: options.clear)
        }
        if options.recursiveSet | options.recursiveClear != 0 {
            program.add(
                BERTH_SETATTR, note, in: tree, in2: .allBelow, a: options.recursiveSet, b: options.recursiveClear)
        }
    }

    /// Read-only layers of an image: one `lowerdir+` for each, top first.
    private func addLayers(_ mount: RuntimeSpec.Mount, _ options: MountOptions, _ layers: [String]) {
        // Mount it at a hidden place, then move it, because the classic call can mount only onto a path.
        let folder = request.bundle + "/layers"
        mkdir(folder, 0o700)
        let tree = program.register()
        program.add(
            BERTH_OVERLAY, .doing("mount \(mount.destination) (overlay)"), out: tree,
            data: program.array([overlay(lower: layers, at: folder)]))
        addAttributes(tree, options, mount.destination)
        addMove(tree, onto: mount.destination)
    }

    private func addFilesystem(_ mount: RuntimeSpec.Mount, _ options: MountOptions) {
        let prefix = "lowerdir+="
        let layers = options.data.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        if mount.type == "overlay", layers.count > 1 { return addLayers(mount, options, layers) }
        let type = mount.type ?? "none"
        let tree = addFilesystem(type, source: mount.source ?? type, options, for: mount.destination)
        if let propagation = options.propagation {
            program.add(
                BERTH_SETATTR, .doing("mount \(mount.destination): propagation"), in: tree,
                in2: options.isPropagationRecursive ? .allBelow : .none, c: propagation)
        }
        // The kernel's own file systems are mounted only on real folders, never through a link in the image.
        let isKernelView = type == "proc" || type == "sysfs"
        let resolve = isKernelView ? UInt64(BERTH_RESOLVE_NO_SYMLINKS) : 0
        addMove(tree, onto: mount.destination, resolve: resolve, isProc: type == "proc")
    }

    /// Creates a file system that is not mounted anywhere yet.
    private func addFilesystem(
        _ type: String, source: String, _ options: MountOptions, for destination: String
    ) -> StepProgram.Register {
        let note = StepNote.doing("mount \(destination) (\(type))")
        let context = program.register()
        let tree = program.register()
        if type == "proc", let processes {
            addProc(of: processes, tree, options, note)
            return tree
        }
        program.add(BERTH_FSOPEN, note, out: context, text: type)
        program.add(BERTH_FSCONFIG, note, in: context, text: "source", text2: source)
        for option in options.data where !isForeignGroup(option) {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            program.add(BERTH_FSCONFIG, note, in: context, text: parts[0], text2: parts.count > 1 ? parts[1] : nil)
        }
        program.add(BERTH_FSMOUNT, note, in: context, out: tree, a: options.set)
        program.add(BERTH_CLOSE, note, in: context)
        return tree
    }

    /// The process is not in that pid namespace yet, so the mount names the namespace.
    private func addProc(
        of processes: StepProgram.Register, _ tree: StepProgram.Register, _ options: MountOptions, _ note: StepNote
    ) {
        let data = options.data.flatMap { option in
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return [parts[0], parts.count > 1 ? parts[1] : ""]
        }
        // `/proc/PID/ns/pid` belongs to a process in that namespace, whose mount namespace has a proc too.
        let path = namespaces.joinedProcesses ?? ""
        let mounts = path.hasSuffix("/ns/pid") ? "\(path.dropLast("pid".count))mnt" : nil
        program.add(
            BERTH_PROC_OF, note, in: processes, out: tree, text: mounts,
            data: UnsafeRawPointer(program.strings(data)), a: options.set)
    }

    /// `gid=5` names a group that a user namespace may not have; then the terminal belongs to its user's group.
    private func isForeignGroup(_ option: String) -> Bool {
        guard namespaces.isOwn(.user), option.hasPrefix("gid="), let gid = UInt32(option.dropFirst(4)) else {
            return false
        }
        let mappings = linux.gidMappings ?? []
        return !mappings.contains { $0.containerID <= gid && gid - $0.containerID < $0.size }
    }

    /// Moves a mount onto `destination`, and creates that if it is missing: as a folder, or as a file or folder like
    /// `like`.
    private func addMove(
        _ tree: StepProgram.Register, onto destination: String, like: StepProgram.Register? = nil, resolve: UInt64 = 0,
        isProc: Bool = false
    ) {
        let target = program.register()
        program.add(
            BERTH_TARGET, .doing("mount \(destination): make the mount point"), in: root, in2: like ?? .none,
            out: target, text: destination, a: like == nil ? 0 : 2, b: resolve, c: isProc ? 1 : 0)
        program.add(BERTH_MOVE_MOUNT, .doing("mount \(destination)"), in: tree, in2: target)
        program.add(BERTH_CLOSE, .doing("close \(destination)"), in: target)
    }

    /// Mounts the container's own part of the cgroup tree: the folder itself on v2, a folder for each controller on v1.
    private func addCgroupMount(_ mount: RuntimeSpec.Mount, _ options: MountOptions) {
        let place = mount.destination
        if cgroup.hierarchies.isEmpty { return }
        if cgroup.isUnifiedOnly, let unified = cgroup.unified {
            // Without a cgroup namespace it shows the whole tree, because names in /proc/self/cgroup start at the
            // tree's root.
            let source = namespaces.isSeparate(.cgroup) ? unified.folder : unified.mountpoint
            addCgroupFolder(source, options, onto: place)
            return
        }
        var folder = MountOptions(["nosuid", "nodev", "noexec", "mode=755"])
        folder.data = ["mode=755"]
        let tree = addFilesystem("tmpfs", source: "cgroup", folder, for: place)
        addMove(tree, onto: place)
        for hierarchy in cgroup.hierarchies {
            addCgroupFolder(hierarchy.folder, options, onto: "\(place)/\(hierarchy.name)")
            for controller in hierarchy.controllers where hierarchy.controllers.count > 1 {
                program.add(
                    BERTH_MAKE_LINK, .doing("link \(place)/\(controller)"), in: root, text: hierarchy.name,
                    text2: "\(place)/\(controller)")
            }
        }
        guard options.set & MountOptions.Attribute.readOnly != 0 else { return }
        program.add(
            BERTH_SETATTR, .doing("make \(place) read-only"), in: tree, a: MountOptions.Attribute.readOnly)
    }

    private func addCgroupFolder(_ source: String, _ options: MountOptions, onto place: String) {
        let tree = program.register()
        program.add(BERTH_CLONE_TREE, .doing("mount \(place): open \(source)"), out: tree, text: source)
        program.add(
            BERTH_SETATTR, .doing("mount \(place): options"), in: tree, a: options.set, b: options.clear,
            c: MountOptions.Propagation.private)
        addMove(tree, onto: place)
    }

    /// `path` in the spec as an absolute host path.
    func absolute(_ path: String) -> String {
        if path.isAbsolutePath { return path }
        return path.isEmpty ? request.bundle : "\(request.bundle)/\(path)"
    }
}
