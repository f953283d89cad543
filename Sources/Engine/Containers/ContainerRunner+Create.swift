import EngineWire
import Logging
import OCI
import ProjectModel

/// Creates containers, and removes those that a failure or a crash left half created or half removed.
extension ContainerRunner {
    /// Stores the record, then creates the container; if that fails, nothing is left. A successor has no network of its own until
    /// the container that it replaces is gone, because it takes over the addresses.
    func create(_ draft: ContainerRecord, image: MachineImage) async throws -> ContainerRecord {
        if let other = await inventory.container(named: draft.name), other.id != draft.successorOf {
            guard other.project == draft.project, try await finishInterrupted(other.id) else {
                if case .free = draft.owner { throw EngineFailure.nameTaken(draft.name, by: other.id) }
                let whose = other.project.map { "project \($0)" } ?? "no project"
                throw EngineFailure(
                    code: .conflict,
                    message: "the container name \"\(draft.name)\" is taken by \(other.id.prefix(12)) of \(whose)",
                    hint: "remove or rename that container, or give this one another container_name")
            }
        }
        return try await locks.with(draft.id) {
            var record = draft
            try await self.joinNamespaces(&record)
            try await self.borrowVolumes(&record)
            try await self.fixImages(&record)
            await self.nameVolumes(&record)
            do {
                record = try await self.inventory.insertAllocating(record) { [machine = self.machine] network in
                    machine.linkName(ofContainer: draft.id, network: network)
                }
                // Only after the store knows their owner, so that a crash leaves no unknown volumes.
                try await self.makeVolumes(of: record)
                try await self.machine.createContainer(record, image)
                return try await self.inventory.update(record.id) { $0.life.phase = .created } ?? record
            } catch {
                try? await self.discard(record)
                throw error
            }
        }
    }

    /// Finishes a creation, a removal or a replacement that a failure or a crash interrupted. Returns true if the container is gone
    /// afterwards, false if it is complete.
    func finishInterrupted(_ id: String) async throws -> Bool {
        // If two containers run in one place, stop the hidden one.
        if let record = await inventory.container(id), record.isLive, await inventory.isHidden(record),
            await inventory.successor(of: record)?.life.phase != .created
        {
            try await stop(id, timeout: nil)
        }
        return try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { return true }
            let isSuccessor = await self.inventory.isSuccessor(record)
            let heir = await self.inventory.successor(of: record)
            // Until its successor has started, this one may have to come back.
            let isSucceeded = heir.map { $0.life.phase != .created } ?? false
            switch record.life.phase {
            case .creating, .removing:
                try await self.discard(record)
                return true
            case .created where isSuccessor || isSucceeded, .exited where isSuccessor || isSucceeded:
                try await self.discard(record)
                return true
            case .created, .running, .paused, .restarting, .exited:
                _ = try await self.takeOffUnjoined(id)
                return false
            }
        }
    }

    /// Removes everything of a container, and its record last, so that the engine knows the rest until then.
    func discard(_ record: ContainerRecord) async throws {
        await machine.releasePorts(of: record.id)
        try await machine.removeContainer(record)
        // When a replica could not be created, the next one takes over its anonymous volumes. Other containers have no
        // next one, and a successor shares volumes that must be kept.
        let hasNoNext = record.number == nil && record.life.phase == .creating
        let isSuccessor = await inventory.isSuccessor(record)
        if record.life.removesAnonymousVolumes == true || hasNoNext || isSuccessor {
            for (name, _) in record.anonymousVolumes
            where await inventory.users(ofVolume: name).allSatisfy({ $0.id == record.id }) {
                guard let volume = await inventory.volume(name) else { continue }
                try await machine.removeVolume(volume)
                try await inventory.removeVolume(name)
            }
        }
        try await inventory.removeContainer(record.id)
    }

    /// Call this when `id` is gone: its successor becomes an ordinary container, so connects its network.
    func completeSuccessors(of id: String) async {
        for record in await inventory.successors(of: id) {
            do {
                let heir = try await inventory.update(record.id) { $0.successorOf = nil } ?? record
                guard heir.life.phase == .created, let image = try await machine.image(heir.imageID) else { continue }
                try await machine.createContainer(heir, image)
            } catch { log.warning("\(record.name): its network is not ready yet: \(error)") }
        }
    }

    private func joinNamespaces(_ record: inout ContainerRecord) async throws {
        let wanted: [(String, String?)] = [
            ("network", record.template.networkMode.flatMap(Self.namespaceOwner)),
            ("pid", Self.namespaceOwner(text: record.template.pid)),
            ("ipc", Self.namespaceOwner(text: record.template.ipc)),
        ]
        if record.template.networkMode == .host { record.inheritedNames = .init(hostname: machine.hostName) }
        for case (let kind, let owner?) in wanted {
            guard let found = await container(owner, for: record) else {
                throw EngineFailure(
                    code: .notFound,
                    message: "\(record.name) shares the \(kind) namespace of \(owner), which has no container")
            }
            guard kind != "ipc" || !["private", "none"].contains(found.template.ipc) else {
                throw EngineFailure(
                    code: .conflict, message: "\(record.name) cannot share the ipc namespace of \(found.name)",
                    hint: "\(found.name) does not share it: set its ipc to shareable")
            }
            record.joined[kind] = found.id
            if kind == "network" {
                record.inheritedNames = .init(hostname: found.hostname, domainname: found.domainname)
            }
        }
    }

    /// The container that `service:NAME` (its first replica) or `container:NAME` means. A replica follows the owner's
    /// replacement.
    private func container(_ owner: String, for record: ContainerRecord) async -> ContainerRecord? {
        guard owner.hasPrefix("service:") else { return await inventory.find(String(owner.dropFirst(10))) }
        guard let project = record.project else { return nil }
        let service = String(owner.dropFirst(8))
        let all = await inventory.everyContainer(of: project).filter {
            $0.service == service && !$0.isOneOff && $0.life.phase != .removing
        }
        let replaced = record.isOneOff ? [] : Set(all.compactMap(\.successorOf))
        var candidates: [ContainerRecord] = []
        for candidate in all where !replaced.contains(candidate.id) {
            if record.isOneOff, await inventory.isHidden(candidate) { continue }
            candidates.append(candidate)
        }
        return candidates.min { ($0.number ?? 0) < ($1.number ?? 0) }
    }

    /// `volumes_from`: adds the volumes and binds of the other container, except where the service itself mounts
    /// something. They come before the volumes that the image declares.
    private func borrowVolumes(_ record: inout ContainerRecord) async throws {
        // An anonymous volume of its own gives way.
        let own = Set(
            record.template.volumes.filter { mount in
                if case .volume(nil, _, _) = mount.kind { return false }
                return true
            }.map(\.target))
        for entry in record.template.volumesFrom {
            let isContainer = entry.hasPrefix("container:")
            let parts = (isContainer ? entry.dropFirst("container:".count) : entry[...]).split(separator: ":")
            let name = parts.first.map(String.init) ?? ""
            guard let owner = await container("\(isContainer ? "container" : "service"):\(name)", for: record)
            else {
                throw EngineFailure(
                    code: .notFound, message: "\(record.name) uses the volumes of \(entry), which has no container")
            }
            for var mount in owner.mounts where !own.contains(mount.target) {
                switch mount.source {
                case .volume(let name, let isAnonymous, let noCopy, let subpath):
                    // The first start of its owner decides what is in it.
                    let isFilled = noCopy || owner.life.startedAt != nil
                    mount.source = .volume(
                        name: name, isAnonymous: isAnonymous, noCopy: isFilled, subpath: subpath)
                case .bind, .image: break
                case .tmpfs: continue  // in memory, so it belongs to one container
                }
                if parts.dropFirst().contains("ro") { mount.readOnly = true }
                record.mounts.removeAll { $0.target == mount.target }
                record.mounts.append(mount)
            }
        }
    }

    /// Stores the ids of mounted images at creation, so that the mounts stay the same when a name moves to another
    /// image.
    private func fixImages(_ record: inout ContainerRecord) async throws {
        for case .image(let reference, _) in record.mounts.map(\.source) {
            guard let image = try await machine.image(reference) else { continue }  // mounting it reports the error
            record.mountedImages = (record.mountedImages ?? [:]).merging([reference: image.id]) { $1 }
        }
    }

    private static func namespaceOwner(_ mode: NetworkMode) -> String? {
        switch mode {
        case .service(let name): "service:\(name)"
        case .container(let name): "container:\(name)"
        case .none, .host: nil
        }
    }

    private static func namespaceOwner(text: String?) -> String? {
        guard let text, text.hasPrefix("service:") || text.hasPrefix("container:") else { return nil }
        return text
    }

    /// Names its anonymous volumes: those of the previous replica, or new ones to create.
    private func nameVolumes(_ record: inout ContainerRecord) async {
        for index in record.mounts.indices {
            // A volume that already has a name belongs to another container.
            guard case .volume("", isAnonymous: true, let noCopy, let subpath) = record.mounts[index].source else {
                continue
            }
            var name: String?
            if let binding = record.binding(ofVolumeAt: record.mounts[index].target) {
                name = await inventory.anonymousVolume(binding)?.name
            }
            record.mounts[index].source = .volume(
                name: name ?? machine.newID(), isAnonymous: true, noCopy: noCopy, subpath: subpath)
        }
    }

    /// Creates missing volumes.
    private func makeVolumes(of record: ContainerRecord) async throws {
        for mount in record.mounts {
            guard case .volume(let name, let isAnonymous, _, _) = mount.source, await inventory.volume(name) == nil
            else {
                continue
            }
            var definition = VolumeDefinition(name: name)
            definition.driver = record.template.volumeDriver
            let volume = VolumeRecord(
                name: name, project: record.project, key: nil, definition: definition, isAnonymous: isAnonymous,
                createdAt: machine.now(),
                binding: isAnonymous ? record.binding(ofVolumeAt: mount.target) : nil)
            try await inventory.insert(volume)
            do {
                try await inventory.make(volume, on: machine)
            } catch {
                try? await inventory.removeVolume(volume.name)
                throw error
            }
        }
    }
}

extension ContainerRecord {
    /// The place in a project to which an anonymous volume is bound; nil for a container without a project, whose volumes belong to it.
    fileprivate func binding(ofVolumeAt target: String) -> VolumeRecord.Binding? {
        guard let project, let service else { return nil }
        return .init(project: project, service: service, place: number.map(String.init) ?? name, target: target)
    }
}
