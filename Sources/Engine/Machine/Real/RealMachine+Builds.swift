import Builder
import EngineWire
import Images
import Linux
import OCI

extension RealMachine {
    package func build(_ request: BuildRequest, _ surroundings: BuildSurroundings) async throws -> Image {
        let host = MachineBuildHost(machine: self, request: request, surroundings: surroundings)
        return try await BuildRun.build(
            request, host: host, images: images, cache: builds, contexts: surroundings.contexts, pool: buildPool,
            built: surroundings.built, tell: surroundings.tell)
    }

    package func buildCache() async throws -> [BuildCacheRow] {
        try await builds.load()
        // A result may have two keys: one for its inputs as a whole, one for the files in them.
        var seen: Set<String> = []
        let steps = await builds.all().filter { seen.insert("\($0.kind) \($0.layers.state)").inserted }
            .map { record in
                BuildCacheRow(
                    id: record.key.short, kind: record.kind, title: record.title, size: record.size,
                    created: record.created, used: record.used)
            }
        let mounts = try await builds.cacheMounts().map { mount in
            BuildCacheRow(
                id: String(mount.path.split(separator: "/").last?.prefix(12) ?? ""), kind: "mount",
                title: mount.id,
                size: mount.size, created: mount.used, used: mount.used)
        }
        return steps + mounts
    }

    package func shrinkBuildCache(to bytes: Int64) async throws { try await builds.shrink(to: bytes) }

    package func pruneBuildCache(_ request: BuildPruneRequest) async throws -> PruneReport {
        try await builds.load()
        let limit = request.unusedFor.map { now() / 1_000_000_000 - $0 }
        @Sendable func isOld(_ used: Int64) -> Bool { limit.map { used <= $0 } ?? true }
        var doomed: Set<String> = []
        if let keep = request.keepBytes {
            var size: Int64 = 0
            for record in await builds.all() {
                size += record.size
                if size > keep { doomed.insert(record.key.hex) }
            }
        }
        let chosen = doomed
        let hasBudget = request.keepBytes != nil
        var gone = try await builds.prune { record in
            isOld(record.used) && (!hasBudget || chosen.contains(record.key.hex))
        }.map { (line: "\($0.key.short)\t\($0.title)", size: $0.size) }
        if request.all, !hasBudget {
            for mount in try await builds.cacheMounts() where isOld(mount.used) {
                try await builds.removeMount(mount.path)
                gone.append((line: "mount\t\(mount.id)", size: mount.size))
            }
        }
        return PruneReport(lines: gone.map(\.line), reclaimed: gone.reduce(0) { $0 + $1.size })
    }
}

/// What builds need from this machine.
private struct MachineBuildHost: BuildHost {
    let machine: RealMachine
    let request: BuildRequest
    let surroundings: BuildSurroundings

    func image(_ reference: String, platform: String?, pull: Bool) async throws -> Image {
        let wanted = try Platform.named(platform)
        let here = try await machine.images.resolve(reference)
        if !pull, let here,
            wanted.map({ here.platform.normalized == $0.normalized }) ?? Platform.host.runs(here.platform)
        {
            return here
        }
        do {
            return try await machine.pull(
                Reference(reference), platform: platform, logins: request.logins ?? RegistryLogins()
            ) { _ in }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // An image for another processor is better than none.
            if wanted == nil, !pull, let here { return here }
            var failure = EngineFailure(describing: error)
            if let here, let wanted, !wanted.accepts(here.platform) {
                failure.message =
                    "the local \(reference) is for \(here.platform.text), but \(wanted.text) is needed: \(failure.message)"
            }
            if failure.hint == nil {
                failure.hint =
                    "to load it without a registry: `docker save \(reference) | berth image load`, or `berth image import FILE \(reference)`"
            }
            failure.code = .imageMissing
            throw failure
        }
    }

    func run(_ step: RunStep, in room: StepRoom, output: @escaping StepOutput) async throws -> StepEnd {
        let waitForRoom = surroundings.waitForRoom
        return try await surroundings.steps.with(step, in: room) { [machine] record in
            try await machine.run(step, record, room) { bytes, isError in
                output(bytes, isError)
                waitForRoom()
            }
        }
    }

    func openShell(_ step: RunStep, in room: StepRoom, because note: BuildNote) async throws {
        guard let shells = surroundings.shells else { return }
        let tell = surroundings.tell
        _ = try await surroundings.steps.with(step, in: room) { [machine] record in
            try await machine.runShell(step, record, room) { stream in
                try await shells.offer(stream, as: record.id) {
                    tell(.shell(BuildShell(id: record.id, program: step.arguments[0], note: note)))
                }
            }
        }
    }

    func download(_ url: String, to path: String) async throws -> Download {
        let modified = try await downloadFile(
            url, to: path, network: machine.registries, on: machine.blocking)
        return Download(modified: modified.flatMap(HTTPDate.nanoseconds))
    }

    func emulates(_ platform: Platform) async -> Bool {
        guard let beginning = BinaryFormat.programBeginning(for: platform.architecture) else { return false }
        return await machine.blocking.runInfallible {
            BinaryFormat.known().contains { $0.isFixed && $0.takes(beginning) }
        }
    }

    func cache(_ reference: String, platform: String?) async throws -> OutsideCache {
        try await machine.images.remoteCache(
            Reference(reference), platform: Platform.named(platform), credentials: credentials,
            network: machine.registries)
    }

    func fetch(_ blob: Descriptor, of reference: String) async throws {
        try await machine.images.fetchBlob(
            blob, of: Reference(reference), credentials: credentials, network: machine.registries)
    }

    func push(_ cache: StepCache, to reference: String, in lease: BuildLease) async throws {
        try await machine.images.push(
            cache, to: Reference(reference), credentials: credentials, network: machine.registries, in: lease)
    }

    private var credentials: RegistryCredentials { RegistryCredentials(encoded: (request.logins ?? .init()).encoded) }

    func now() -> Int64 { machine.now() }
}
