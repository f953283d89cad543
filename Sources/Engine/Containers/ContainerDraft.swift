import EngineWire
import OCI
import ProjectModel
import Reconcile

/// Turns a service and its image into the record of one container; pure but for the addresses, which the inventory gives.
struct ContainerDraft {
    let desired: Desired
    let service: DesiredService
    let image: MachineImage
    let id: String
    let now: Int64
    let version: String

    /// Which container of the service it becomes.
    enum Place {
        case number(Int)
        case oneOff(name: String, slug: String, autoRemove: Bool, useAliases: Bool)
    }

    /// The record without endpoints, joined namespaces and volumes that exist already.
    func record(_ place: Place) -> ContainerRecord {
        let spec = service.spec
        var record = ContainerRecord(
            id: id, name: name(place), project: desired.project, service: spec.name, number: nil, oneOff: nil,
            spec: spec,
            definitions: definitions, imageID: image.id, image: image.config, labels: [:], createdAt: now,
            recreateRound: service.recreateRound, restartRound: service.restartRound, startRound: service.startRound,
            joined: [:],
            endpoints: [], ports: ports, mounts: mounts, life: .init(phase: .creating))
        switch place {
        case .number(let number): record.number = number
        case .oneOff(_, _, let autoRemove, let useAliases):
            record.oneOff = .init(autoRemove: autoRemove, useAliases: useAliases)
        }
        record.labels = labels(place)
        return record
    }

    private func name(_ place: Place) -> String {
        switch place {
        case .number(let number): service.spec.containerName ?? "\(desired.project)-\(service.spec.name)-\(number)"
        case .oneOff(let name, _, _, _): name
        }
    }

    /// Only what the service uses: a change elsewhere in the file does not concern it.
    private var definitions: ContainerRecord.Definitions {
        let spec = service.spec
        var definitions = ContainerRecord.Definitions()
        definitions.workingDirectory = desired.workingDirectory
        definitions.configFiles = desired.configFiles
        definitions.environmentFiles = desired.environmentFiles
        for attachment in spec.networks {
            definitions.networks[attachment.network] = desired.networks[attachment.network]
        }
        for volume in spec.volumes {
            guard case .volume(let source?, _, _) = volume.kind else { continue }
            definitions.volumes[source] = desired.volumes[source]
        }
        for secret in spec.secrets { definitions.secrets[secret.source] = desired.secrets[secret.source] }
        for config in spec.configs { definitions.configs[config.source] = desired.configs[config.source] }
        return definitions
    }

    private var ports: [ContainerRecord.Port] {
        service.spec.ports.map { mapping in
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

    /// Ports that services of the project want and no others.
    private func fixedPorts(_ transport: String) -> Set<UInt16> {
        Set(
            desired.services.flatMap(\.spec.ports).compactMap { mapping in
                guard mapping.transport == transport, let range = mapping.publishedRange, range.count == 1 else {
                    return nil
                }
                return range.lowerBound
            })
    }

    private var mounts: [ContainerRecord.Mount] {
        var mounts = service.spec.volumes.map { volume in
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
            let name = desired.volumes[key]?.name ?? "\(desired.project)_\(key)"
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

    /// The labels docker compose sets: scripts and tools look for them.
    private func labels(_ place: Place) -> [String: String] {
        let spec = service.spec
        var labels = image.config.labels ?? [:]
        labels.merge(spec.labels) { _, own in own }
        let prefix = "com.docker.compose."
        labels[prefix + "project"] = desired.project
        labels[prefix + "service"] = spec.name
        labels[prefix + "project.working_dir"] = desired.workingDirectory
        labels[prefix + "project.config_files"] = desired.configFiles.joined(separator: ",")
        labels[prefix + "image"] = image.id
        labels[prefix + "version"] = version
        labels[prefix + "depends_on"] = spec.dependsOn.map {
            "\($0.service):\($0.condition.rawValue):\($0.restart)"
        }.joined(separator: ",")
        if !desired.environmentFiles.isEmpty {
            labels[prefix + "project.environment_file"] = desired.environmentFiles.joined(separator: ",")
        }
        switch place {
        case .number(let number):
            labels[prefix + "container-number"] = "\(number)"
            labels[prefix + "oneoff"] = "False"
        case .oneOff(_, let slug, _, _):
            labels[prefix + "slug"] = slug
            labels[prefix + "oneoff"] = "True"
        }
        return labels
    }
}

extension ContainerRecord {
    /// It comes in the place of `old`, which is still there; the anonymous volumes go on in it unless they are to be new.
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

    /// The process's arguments: the service's own words, else the image's (docker's rule: an entrypoint of the file's own drops
    /// the image's command).
    var arguments: [String] {
        if let entrypoint = spec.entrypoint { return entrypoint + (spec.command ?? []) }
        return (image.entrypoint ?? []) + (spec.command ?? image.cmd ?? [])
    }

    var stopSignalName: String { spec.stopSignal ?? image.stopSignal ?? "SIGTERM" }
    var gracePeriod: Duration { spec.stopGracePeriod ?? .seconds(10) }

    /// The check in force: the file's, completed by the image's; nil when there is none or it is switched off.
    var healthcheck: ResolvedHealthcheck? {
        let own = spec.healthcheck
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
