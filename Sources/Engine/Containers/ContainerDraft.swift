import EngineWire
import OCI
import ProjectModel
import Reconcile

/// Turns a template and its image into the record of one container. It is pure, except that the inventory gives the addresses.
struct ContainerDraft {
    /// The definitions of its networks, volumes, secrets and configs. It may contain more than the container uses.
    let definitions: Definitions
    /// Ports that other services of its project publish.
    var avoidedPorts: [PortMapping] = []
    let owner: Owner
    let template: ContainerTemplate
    var dependsOn: [Dependency] = []
    var rounds = Rounds()
    let image: MachineImage
    let id: String
    let now: Int64
    let version: String

    /// The rounds of the desired state when the container was created.
    struct Rounds {
        var recreate = 0
        var restart = 0
        var start = 0
    }

    /// The record without endpoints, joined namespaces and existing volumes.
    func record() -> ContainerRecord {
        ContainerRecord(
            id: id, name: name, owner: owner, template: template, definitions: definitions.used(by: template),
            imageID: image.id,
            image: image.config, labels: labels, createdAt: now, recreateRound: rounds.recreate,
            restartRound: rounds.restart, startRound: rounds.start, joined: [:], endpoints: [], ports: ports,
            mounts: mounts, life: .init(phase: .creating))
    }

    private var name: String {
        switch owner {
        case .replica(let project, let service, let number):
            template.containerName ?? "\(project)-\(service)-\(number)"
        case .oneOff(_, _, let name), .free(let name): name
        }
    }

    private var ports: [ContainerRecord.Port] {
        (template.ports + exposedPorts).map { mapping in
            let bounds = (mapping.published ?? "0").split(separator: "-").compactMap { UInt16($0) }
            var port = ContainerRecord.Port(
                hostIP: mapping.hostIP, first: bounds.first ?? 0, last: bounds.last ?? 0, target: mapping.target,
                transport: mapping.transport)
            if port.numbers.count > 1 {
                let fixed = fixedPorts(port.transport).filter(port.numbers.contains)
                port.avoided = fixed.isEmpty ? nil : fixed.sorted()
            }
            return port
        }
    }

    /// With `publishAllPorts`, exposed ports that are not published by name get any free port.
    private var exposedPorts: [PortMapping] {
        guard template.publishAllPorts == true else { return [] }
        let named = Set(template.ports.map { "\($0.target)/\($0.transport)" })
        let exposed = Set(template.expose.map { $0.contains("/") ? $0 : $0 + "/tcp" })
            .union((image.config.exposedPorts ?? [:]).keys.map { $0.contains("/") ? $0 : $0 + "/tcp" })
        return exposed.subtracting(named).sorted().compactMap { text in
            let parts = text.split(separator: "/")
            guard parts.count == 2, let target = UInt16(parts[0]) else { return nil }
            return PortMapping(target: target, transport: String(parts[1]))
        }
    }

    /// Fixed ports that services of the project want.
    private func fixedPorts(_ transport: String) -> Set<UInt16> {
        Set(
            avoidedPorts.compactMap { mapping in
                guard mapping.transport == transport, let range = mapping.publishedRange, range.count == 1 else {
                    return nil
                }
                return range.lowerBound
            })
    }

    private var mounts: [ContainerRecord.Mount] {
        var mounts = template.volumes.map { volume in
            ContainerRecord.Mount(source: source(of: volume), target: volume.target, readOnly: volume.readOnly)
        }
        let targets = Set(mounts.map(\.target))
        for target in (image.config.volumes ?? [:]).keys.sorted() where !targets.contains(target) {
            mounts.append(
                .init(
                    source: .volume(name: "", isAnonymous: true, noCopy: false, subpath: nil), target: target,
                    readOnly: false))
        }
        return mounts
    }

    private func source(of volume: ServiceVolume) -> ContainerRecord.Mount.Source {
        switch volume.kind {
        case .volume(let key?, let noCopy, let subpath):
            let name = definitions.volumes[key]?.name ?? owner.project.map { "\($0)_\(key)" } ?? key
            return .volume(name: name, isAnonymous: false, noCopy: noCopy, subpath: subpath)
        case .volume(nil, let noCopy, let subpath):
            return .volume(name: "", isAnonymous: true, noCopy: noCopy, subpath: subpath)
        case .bind(let source, let createHostPath, let propagation, let recursive, _):
            return .bind(
                path: source, createHostPath: createHostPath, propagation: propagation,
                isRecursive: recursive != "disabled", isWritableBelow: recursive == "writable" ? true : nil)
        case .tmpfs(let size, let mode, let options): return .tmpfs(size: size, mode: mode, options: options)
        case .image(let source, let subpath): return .image(reference: source, subpath: subpath)
        }
    }

    /// The labels of the image, of the template, and those that docker compose sets, because scripts and tools look for them.
    private var labels: [String: String] {
        var labels = image.config.labels ?? [:]
        labels.merge(template.labels) { _, own in own }
        guard let project = owner.project, let service = owner.service else { return labels }
        let prefix = "com.docker.compose."
        labels[prefix + "project"] = project
        labels[prefix + "service"] = service
        labels[prefix + "project.working_dir"] = definitions.workingDirectory
        labels[prefix + "project.config_files"] = definitions.configFiles.joined(separator: ",")
        labels[prefix + "image"] = image.id
        labels[prefix + "version"] = version
        labels[prefix + "depends_on"] = dependsOn.map {
            "\($0.service):\($0.condition.rawValue):\($0.restart)"
        }.joined(separator: ",")
        if !definitions.environmentFiles.isEmpty {
            labels[prefix + "project.environment_file"] = definitions.environmentFiles.joined(separator: ",")
        }
        if let number = owner.number {
            labels[prefix + "container-number"] = "\(number)"
            labels[prefix + "oneoff"] = "False"
        } else {
            labels[prefix + "slug"] = id
            labels[prefix + "oneoff"] = "True"
        }
        return labels
    }
}

extension ContainerRecord {
    /// Replaces `old`, which still exists, and takes over its anonymous volumes unless new ones are wanted.
    mutating func take(placeOf old: ContainerRecord, withVolumes: Bool) {
        successorOf = old.id
        guard withVolumes else { return }
        let kept = Dictionary(old.anonymousVolumes.map { ($0.target, $0.name) }) { first, _ in first }
        for index in mounts.indices {
            guard case .volume("", true, let noCopy, let subpath) = mounts[index].source,
                let name = kept[mounts[index].target]
            else { continue }
            mounts[index].source = .volume(name: name, isAnonymous: true, noCopy: noCopy, subpath: subpath)
        }
    }

    /// The arguments of the process: the service's, or else the image's. As in Docker, an entrypoint in the file drops
    /// the image's command.
    package var arguments: [String] {
        if let entrypoint = template.entrypoint { return entrypoint + (template.command ?? []) }
        return (image.entrypoint ?? []) + (template.command ?? image.cmd ?? [])
    }

    package var stopSignalName: String {
        life.chosenStopSignal ?? template.stopSignal ?? image.stopSignal ?? "SIGTERM"
    }
    package var gracePeriod: Duration { template.stopGracePeriod ?? .seconds(10) }

    /// The effective health check: the file's, completed with the image's; nil if there is none or it is disabled.
    package var healthcheck: ResolvedHealthcheck? {
        let own = template.healthcheck
        let test = own?.test ?? image.healthcheck?.test ?? []
        guard let kind = test.first, kind != "NONE", test.count > 1 else { return nil }
        let arguments =
            kind == "CMD-SHELL" ? (image.shell ?? ["/bin/sh", "-c"]) + test.dropFirst() : Array(test.dropFirst())
        func pick(_ own: Duration?, _ image: Int64?, _ standard: Duration) -> Duration {
            if let own, own > .zero { return own }
            if let image, image > 0 { return .nanoseconds(image) }
            return standard
        }
        let retries = [own?.retries, image.healthcheck?.retries].compactMap { $0 }.first { $0 > 0 } ?? 3
        return ResolvedHealthcheck(
            arguments: arguments, interval: pick(own?.interval, image.healthcheck?.interval, .seconds(30)),
            timeout: pick(own?.timeout, image.healthcheck?.timeout, .seconds(30)),
            startPeriod: pick(own?.startPeriod, image.healthcheck?.startPeriod, .zero),
            startInterval: pick(own?.startInterval, image.healthcheck?.startInterval, .seconds(5)), retries: retries)
    }
}

/// A health check with every default filled in.
package struct ResolvedHealthcheck: Hashable, Sendable {
    package var arguments: [String]
    package var interval: Duration
    package var timeout: Duration
    package var startPeriod: Duration
    /// The longest pause between probes until the first success.
    package var startInterval: Duration
    package var retries: Int

    package init(
        arguments: [String], interval: Duration, timeout: Duration, startPeriod: Duration,
        startInterval: Duration = .seconds(5), retries: Int
    ) {
        self.arguments = arguments
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
    }
}
