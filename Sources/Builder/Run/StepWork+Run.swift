import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI
import ProjectModel

// RUN.
extension StepWork {
    func perform(_ step: RunStep) async throws -> Outcome {
        let request = parts.request
        if step.isInsecure, !request.allowsInsecure {
            throw mistake(
                "RUN --security=insecure runs without confinement, which this build does not allow",
                hint: "allow it: `--allow security.insecure`, or `privileged: true` under `build:`", code: .refused)
        }
        if step.network == "host", !request.allowsHostNetwork {
            throw mistake(
                "RUN --network=host uses the machine's network, which this build does not allow",
                hint: "allow it: `--allow network.host`, or under `build:` as `entitlements: [network.host]`",
                code: .refused)
        }
        var key = StepKey("run")
        try key.add(step)
        key.add(state.layers.state)
        key.add(request.network ?? "default")
        for host in request.extraHosts { key.add("\(host.host)=\(host.addresses)") }
        if let epoch { key.add("\(epoch)") }
        let sources = try await mountSources(step)
        for source in sources { key.add(source.state) }
        let digest = key.digest
        if let record = await cached(digest) { return Outcome(record: record, isCached: true) }
        var seen = SlotRecord(key: digest, step: self.step, base: state.layers.state)
        for (mount, source) in zip(step.mounts, sources) where !source.state.isEmpty {
            seen.files["what is mounted at \(mount.target)"] = source.state
        }
        if let outcome = try await imported(digest, "run", seen: seen) { return outcome }
        return try await made(digest, "run", seen: seen) { try await run(step, sources, $0) }
    }

    /// Where a mount's files come from: layers and the path in them.
    private struct MountSource: Sendable {
        var layers: [BuiltLayer] = []
        var path = "/"
        /// Identifies the files; empty if they do not count for the cache.
        var state = ""
    }

    private func mountSources(_ step: RunStep) async throws -> [MountSource] {
        var sources: [MountSource] = []
        for mount in step.mounts {
            guard mount.kind == .bind || mount.kind == .cache && mount.from != nil else {
                sources.append(MountSource())
                continue
            }
            var source = MountSource(path: mount.source.isEmpty ? "/" : mount.source)
            switch mount.from ?? .main {
            case .stage(let index): source.layers = try await run.stage(index).state.layers
            case .image(let reference): source.layers = try await run.layers(ofImage: reference)
            case .scratch: break
            case .context(let name):
                if let layers = try await run.layers(ofContext: name) {
                    source.layers = layers
                    break
                }
                // The files of the context become a layer, which comes from the cache if they did not change.
                var query = SourceQuery(patterns: [source.path])
                query.keepsParents = true
                let copy = CopyStep(isAdd: false, query: query, destination: "/", hasSeveralSources: false)
                var work = BuildStep.copy(copy)
                if case .copy(var step) = work {
                    step.origin = .context(name)
                    work = .copy(step)
                }
                var slot = StepKey("mount")
                slot.add("\(self.slot)")
                slot.add(mount.target)
                let inner = StepWork(
                    parts: parts, run: run, instruction: instruction, step: work, state: .init(layers: []),
                    slot: slot.digest, usesCache: true, isPreviousNew: false, number: number, title: title,
                    stage: stage, epoch: epoch,
                    platform: platform)
                guard case .copy(let copying) = work else { continue }
                let outcome = try await inner.perform(copying)
                await run.note(outcome.record)
                source.layers = outcome.record.layers
            }
            source.state = source.layers.state + " " + source.path
            sources.append(source)
        }
        return sources
    }

    private func run(
        _ step: RunStep, _ sources: [MountSource], _ maker: BuildCache.Maker
    ) async throws -> BuiltLayer? {
        try await withWorkFolder { folder in
            try await withCacheFolders(step) { folders in
                let (mounts, environment) = try await mounts(step, sources, folder, folders)
                let lower = await lower()
                let empty = await parts.images.emptyFolder
                let room = StepRoom(
                    id: "build" + folder.split(separator: "/").suffix(1).joined(),
                    lower: lower.isEmpty ? [empty] : lower, upper: "\(folder)/upper", work: "\(folder)/work",
                    mounts: mounts, environment: instruction.hiddenEnvironment + environment, request: parts.request)
                let tail = OutputTail()
                let (tell, number) = (parts.tell, number)
                let host = parts.host
                do {
                    let end = try await parts.cache.turns.perform {
                        try await host.run(step, in: room) { bytes, isError in
                            tail.add(bytes)
                            let text = String(decoding: bytes, as: UTF8.self)
                            tell(.output(step: number, text: text, isError: isError ? true : nil))
                        }
                    }
                    try Task.checkCancellation()
                    try check(end, of: step, tail)
                } catch {
                    try Task.checkCancellation()
                    if parts.request.debugs { await openShell(after: error, step, in: room, maker) }
                    throw error
                }
            }
            let points = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev", "/proc", "/sys"]
            return try await parts.images.commitLayer(
                upper: "\(folder)/upper", above: state.layers, mountPoints: points + step.mounts.map(\.target),
                epoch: epoch, in: maker.lease)
        }
    }

    /// `folders` are those of cache mounts, by their place among the step's mounts.
    private func mounts(
        _ step: RunStep, _ sources: [MountSource], _ folder: String, _ folders: [Int: String]
    ) async throws -> ([RoomMount], [String]) {
        var mounts: [RoomMount] = []
        var environment: [String] = []
        if let script = step.script {
            // Beside the step's files: nothing runs from where secrets are.
            let path = "\(folder)/script"
            try await parts.pool.run { try writeFileAtomically(path, Array(script.text.utf8), mode: 0o755) }
            mounts.append(RoomMount(source: .bind(path), target: "/dev/pipes/\(script.name)", isReadOnly: true))
        }
        for (index, mount) in step.mounts.enumerated() {
            switch mount.kind {
            case .bind:
                let folders = try await self.folders(of: sources[index], mount)
                if mount.isReadOnly {
                    mounts.append(RoomMount(source: .layers(folders), target: mount.target, isReadOnly: true))
                } else {
                    // The step changes a copy, which goes with the step.
                    let copy = "\(folder)/copy\(index)"
                    try await parts.pool.run { try Self.copy(folders, to: copy) }
                    mounts.append(RoomMount(source: .bind(copy), target: mount.target, isReadOnly: false))
                }
            case .cache:
                guard let path = folders[index] else { continue }
                let source = sources[index]
                let below = source.layers.isEmpty ? [] : try await self.folders(of: source, mount)
                try await parts.cache.mounts.fill(path) { data in
                    if !below.isEmpty { try copyUp("/", from: below, into: data) }
                    let owner = try openFile(data, O_RDONLY | O_DIRECTORY)
                    try owner.setOwner(Ownership(user: mount.uid ?? 0, group: mount.gid ?? 0))
                    try owner.setMode(mount.mode ?? 0o755)
                }
                mounts.append(
                    RoomMount(source: .bind("\(path)/data"), target: mount.target, isReadOnly: mount.isReadOnly))
            case .tmpfs:
                mounts.append(RoomMount(source: .tmpfs(size: mount.size), target: mount.target, isReadOnly: false))
            case .secret:
                guard let secret = parts.request.secrets.first(where: { $0.id == mount.id }) else {
                    guard mount.isRequired else { continue }
                    throw mistake(
                        "the secret '\(mount.id)' is missing",
                        hint:
                            "give it: `--secret id=\(mount.id),src=FILE`, or under `build:` as `secrets: [\(mount.id)]`",
                        code: .notFound)
                }
                if let variable = mount.variable {
                    environment.append("\(variable)=\(String(decoding: secret.content, as: UTF8.self))")
                }
                guard !mount.target.isEmpty else { continue }
                mounts.append(
                    RoomMount(
                        source: .secret(
                            secret.content, user: mount.uid ?? 0, group: mount.gid ?? 0, mode: mount.mode ?? 0o400),
                        target: mount.target, isReadOnly: true))
            case .ssh:
                guard let agent = parts.request.agents[mount.id] else {
                    guard mount.isRequired else { continue }
                    let hint = mount.id == "default" ? "" : "=SOCKET"
                    throw mistake(
                        "there is no SSH agent '\(mount.id)'",
                        hint: "give it: `--ssh \(mount.id)\(hint)`, or under `build:` as `ssh: [\(mount.id)\(hint)]`",
                        code: .notFound)
                }
                // ssh uses the first one.
                if !environment.contains(where: { $0.hasPrefix("SSH_AUTH_SOCK=") }) {
                    environment.append("SSH_AUTH_SOCK=\(mount.target)")
                }
                mounts.append(
                    RoomMount(
                        source: .agent(
                            path: agent, user: mount.uid ?? 0, group: mount.gid ?? 0, mode: mount.mode ?? 0o600),
                        target: mount.target, isReadOnly: false))
            }
        }
        return (mounts, environment)
    }

    /// Copies a folder or a file out of layers.
    private static func copy(_ folders: [String], to path: String) throws {
        var status = stat()
        if folders.count == 1, let first = folders.first, lstat(first, &status) == 0, status.st_mode & S_IFMT != S_IFDIR
        {
            try writeFileAtomically(path, readFile(first), mode: status.st_mode & 0o7777)
        } else {
            try makeFolders(path)
            try copyUp("/", from: folders, into: path)
        }
    }

    private func folders(of source: MountSource, _ mount: StepMount) async throws -> [String] {
        let all = await parts.images.folders(of: source.layers)
        let empty = await parts.images.emptyFolder
        let found = try await parts.pool.run { try layerPaths(of: source.path, in: all.isEmpty ? [empty] : all) }
        guard let found else {
            throw mistake("there is no \(source.path) to be mounted at \(mount.target)", code: .notFound)
        }
        return found
    }
}
