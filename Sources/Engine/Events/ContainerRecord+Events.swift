import Glibc
import Monitor
import OCI
import ProjectModel

extension ContainerRecord {
    /// An event of this container.
    func event(_ action: String, _ more: [String: String] = [:], at time: Int64) -> EngineEvent {
        var attributes = labels
        attributes["image"] = template.image ?? imageID
        attributes["name"] = name
        return EngineEvent(
            .container, action, id: id, attributes: attributes.merging(more) { _, new in new }, time: time)
    }

    /// The events between two states of one container, in dockerd's order; nil means that it does not exist.
    static func events(from old: ContainerRecord?, to new: ContainerRecord?, now: Int64) -> [EngineEvent] {
        guard let old else { return [] }
        guard let new else {
            // A container whose creation failed has never had an event.
            return old.life.phase == .creating ? [] : [old.event("destroy", at: now)]
        }
        var events: [EngineEvent] = []
        if old.life.phase == .creating, new.life.phase == .created { events.append(new.event("create", at: now)) }
        if old.name != new.name { events.append(new.event("rename", ["oldName": "/\(old.name)"], at: now)) }
        if new.isUp, old.life.startedAt != new.life.startedAt {
            events += new.around("connect", "mount", at: now)
            events.append(new.event("start", at: now))
        }
        if old.isUp, !new.isUp, let exit = new.life.exit ?? new.life.restarts?.lastEnd {
            if exit.isOutOfMemory { events.append(new.event("oom", at: now)) }
            let ran = old.life.startedAt.map { max(0, exit.at - $0) / 1_000_000_000 } ?? 0
            events.append(
                new.event("die", ["exitCode": "\(exit.code)", "execDuration": "\(ran)"], at: now))
            events += old.around("disconnect", "unmount", at: now)
        }
        if old.life.phase == .running, new.life.phase == .paused { events.append(new.event("pause", at: now)) }
        if old.life.phase == .paused, new.life.phase == .running, old.life.startedAt == new.life.startedAt {
            events.append(new.event("unpause", at: now))
        }
        return events
    }

    /// Events of its networks and volumes when it starts and ends.
    private func around(_ network: String, _ volume: String, at time: Int64) -> [EngineEvent] {
        let networks = endpoints.map { endpoint in
            EngineEvent(
                .network, network, id: endpoint.network,
                attributes: ["container": id, "name": endpoint.network, "type": "bridge"], time: time)
        }
        let volumes = mounts.compactMap { mount -> EngineEvent? in
            guard case .volume(let name, _, _, _) = mount.source else { return nil }
            var attributes = ["container": id, "driver": "local"]
            if volume == "mount" {
                attributes["destination"] = mount.target
                attributes["read/write"] = "\(!mount.readOnly)"
                attributes["propagation"] = ""
            }
            return EngineEvent(.volume, volume, id: name, attributes: attributes, time: time)
        }
        return networks + volumes
    }
}
