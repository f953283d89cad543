import EngineWire
import Linux
import Monitor
import Networking
import ProjectModel
import Runtime

extension RealMachine {
    package func usage(of container: ContainerRecord) async throws -> ContainerUsage {
        let path = SpecBuilder.cgroup(of: container, instance.suffix)
        let read = now()
        return try await blocking.run { [cgroups] in
            guard let pid = container.life.process?.pid, fileExists("/proc/\(pid)") else {
                throw EngineFailure(code: .conflict, message: "container \(container.name) is not running")
            }
            var usage = ContainerUsage(id: container.id, name: container.name, read: read)
            let folders = cgroups.mounts.map { $0.mountpoint + path }.filter(fileExists)
            UsageReader(cgroup: Cgroup(folders: folders, mounts: cgroups)).fill(&usage)
            if container.template.networkMode != .host { usage.networks = UsageReader.networks(of: pid) }
            return usage
        }
    }
}
