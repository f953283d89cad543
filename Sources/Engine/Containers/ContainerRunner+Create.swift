import EngineWire
import Logging
import OCI
import ProjectModel

/// How a container comes into being, and how one is taken away that a failure or a crash left half made or half removed.
extension ContainerRunner {
    /// Stores the record, then makes what it says; nothing is left of one that could not be made. A successor has no network of its
    /// own until the container whose place it takes is gone: its addresses are that one's.
    func create(_ draft: ContainerRecord, image: MachineImage) async throws -> ContainerRecord {
        if let other = await inventory.container(named: draft.name), other.id != draft.successorOf {
            guard other.project == draft.project, try await finishInterrupted(other.id) else {
                throw EngineFailure(
                    code: "conflict",
                    message:
                        "the container name \"\(draft.name)\" is taken by \(other.id.prefix(12)) of project \(other.project)",
                    hint: "remove or rename that container, or give this one another container_name")
            }
        }
        return try await locks.with(draft.id) {
            var record = draft
            try await self.joinNamespaces(&record)
            try await self.borrowVolumes(&record)
            try await self.fixImages(&record)
            do {
                try await self.makeVolumes(&record)
                record = try await self.inventory.insertAllocating(record) { [machine = self.machine] network in
                    machine.linkName(ofContainer: draft.id, network: network)
                }
                try await self.machine.createContainer(record, image)
                return try await self.inventory.update(record.id) { $0.life.phase = .created } ?? record
            } catch {
                try? await self.discard(record)
                throw error
            }
        }
    }

    /// Goes on with a creation, a removal or a replacement that a failure or a crash left in the middle. True when the container is
    /// gone then; false for one that is well.
    func finishInterrupted(_ id: String) async throws -> Bool {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { return true }
            let isSuccessor = await self.inventory.isSuccessor(record)
            switch record.life.phase {
            case .creating, .removing:
                try await self.discard(record)
                return true
            case .created where isSuccessor:
                try await self.discard(record)
                return true
            case .created, .running, .paused, .restarting, .exited: return false
            }
        }
    }

    /// Takes away all there is of a container, its record last: until then somebody knows of the rest.
    func discard(_ record: ContainerRecord) async throws {
        try await machine.removeContainer(record)
        // The next replica of a service takes over those of one that could not be made; a one-off has no next, and one in the place of
        // another shares what is to be kept.
        let isUnmadeOneOff = record.isOneOff && record.life.phase == .creating
        let isSuccessor = await inventory.isSuccessor(record)
        if record.life.removesAnonymousVolumes == true || isUnmadeOneOff || isSuccessor {
            for (name, _) in record.anonymousVolumes
            where await inventory.users(ofVolume: name).allSatisfy({ $0.id == record.id }) {
                guard let volume = await inventory.volume(name) else { continue }
                try await machine.removeVolume(volume)
                try await inventory.removeVolume(name)
            }
        }
        try await inventory.removeContainer(record.id)
    }

    /// What was made to take the place of `id`, which is gone by now, is a container as any other: its network is connected.
    func completeSuccessors(of id: String) async {
        for record in await inventory.allContainers() where record.successorOf == id {
            do {
                let heir = try await inventory.update(record.id) { $0.successorOf = nil } ?? record
                guard let image = try await machine.image(heir.imageID) else { continue }
                try await machine.createContainer(heir, image)
            } catch { log.warning("\(record.name): its network is not ready yet: \(error)") }
        }
    }

    private func joinNamespaces(_ record: inout ContainerRecord) async throws {
        let wanted: [(String, String?)] = [
            ("network", record.spec.networkMode.flatMap(Self.namespaceOwner)),
            ("pid", Self.namespaceOwner(text: record.spec.pid)), ("ipc", Self.namespaceOwner(text: record.spec.ipc)),
        ]
        if record.spec.networkMode == .host { record.inheritedNames = .init(hostname: machine.hostName) }
        for case (let kind, let owner?) in wanted {
            guard let found = await container(owner, for: record) else {
                throw EngineFailure(
                    code: "not_found",
                    message: "\(record.name) shares the \(kind) namespace of \(owner), which has no container")
            }
            record.joined[kind] = found.id
            if kind == "network" {
                record.inheritedNames = .init(hostname: found.hostname, domainname: found.domainname)
            }
        }
    }

    /// What `service:NAME` (its first replica) or `container:NAME` means. A replica goes with what takes its owner's place.
    private func container(_ owner: String, for record: ContainerRecord) async -> ContainerRecord? {
        guard owner.hasPrefix("service:") else { return await inventory.find(String(owner.dropFirst(10))) }
        let all = await inventory.everyContainer(of: record.project).filter {
            $0.service == owner.dropFirst(8) && !$0.isOneOff && $0.life.phase != .removing
        }
        let replaced = record.isOneOff ? [] : Set(all.compactMap(\.successorOf))
        var candidates: [ContainerRecord] = []
        for candidate in all where !replaced.contains(candidate.id) {
            if record.isOneOff, await inventory.isSuccessor(candidate) { continue }
            candidates.append(candidate)
        }
        return candidates.min { ($0.number ?? 0) < ($1.number ?? 0) }
    }

    /// `volumes_from`: the other's volumes and binds, where the service mounts nothing itself; they come before what the image
    /// declares.
    private func borrowVolumes(_ record: inout ContainerRecord) async throws {
        let own = Set(record.spec.volumes.map(\.target))
        for entry in record.spec.volumesFrom {
            let isContainer = entry.hasPrefix("container:")
            let parts = (isContainer ? entry.dropFirst("container:".count) : entry[...]).split(separator: ":")
            let name = parts.first.map(String.init) ?? ""
            guard let owner = await container("\(isContainer ? "container" : "service"):\(name)", for: record)
            else {
                throw EngineFailure(
                    code: "not_found", message: "\(record.name) takes the volumes of \(entry), which has no container")
            }
            for var mount in owner.mounts where !own.contains(mount.target) {
                switch mount.source {
                case .volume, .bind, .image: break
                case .tmpfs: continue  // memory of one container
                }
                if parts.dropFirst().contains("ro") { mount.readOnly = true }
                record.mounts.removeAll { $0.target == mount.target }
                record.mounts.append(mount)
            }
        }
    }

    /// What is mounted from an image stays what it was when the container was made, whatever its name means later.
    private func fixImages(_ record: inout ContainerRecord) async throws {
        for case .image(let reference, _) in record.mounts.map(\.source) {
            guard let image = try await machine.image(reference) else { continue }  // told when it is mounted
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

    /// Named volumes that are missing are made; anonymous ones of the replica before it are taken over.
    private func makeVolumes(_ record: inout ContainerRecord) async throws {
        for index in record.mounts.indices {
            guard case .volume(let name, let isAnonymous, let noCopy, let subpath) = record.mounts[index].source,
                !isAnonymous || name.isEmpty  // an anonymous one with a name was borrowed
            else { continue }
            let target = record.mounts[index].target
            let binding = VolumeRecord.Binding(
                project: record.project, service: record.service, place: record.number.map(String.init) ?? record.name,
                target: target)
            let known = isAnonymous ? await inventory.anonymousVolume(binding) : await inventory.volume(name)
            if let known {
                record.mounts[index].source = .volume(
                    name: known.name, isAnonymous: isAnonymous, noCopy: noCopy, subpath: subpath)
                continue
            }
            let fullName = isAnonymous ? machine.newID() : name
            let volume = VolumeRecord(
                name: fullName, project: record.project, key: nil,
                definition: VolumeDefinition(name: fullName), isAnonymous: isAnonymous, createdAt: machine.now(),
                isPopulated: false, binding: isAnonymous ? binding : nil)
            try await inventory.insert(volume)
            do {
                try await machine.createVolume(volume)
            } catch {
                try? await inventory.removeVolume(volume.name)
                throw error
            }
            record.mounts[index].source = .volume(
                name: fullName, isAnonymous: isAnonymous, noCopy: noCopy, subpath: subpath)
        }
    }
}
