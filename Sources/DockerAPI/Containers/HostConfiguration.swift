import Engine
import EngineWire
import JSON
import OCI
import ProjectModel

/// The `HostConfig` of an inspection: the template in Docker's words.
struct HostConfiguration {
    let record: ContainerRecord

    private var template: ContainerTemplate { record.template }
    private var resources: Resources { template.resources }

    var json: JSONValue {
        func list(_ items: [String]) -> JSONValue { items.isEmpty ? .null : items.json }
        let (binds, mounts) = storage
        let log = JSONValue.members([
            "Type": template.logging?.driver ?? "json-file", "Config": template.logging?.options ?? [:],
        ])
        let first = JSONValue.members([
            "Binds": list(binds), "ContainerIDFile": "", "LogConfig": log,
            "NetworkMode": ContainerText.networkMode(record), "PortBindings": portBindings,
            "RestartPolicy": ContainerText.restartPolicy(template.restart),
            "AutoRemove": template.autoRemove ?? false, "VolumeDriver": template.volumeDriver ?? "",
            "VolumesFrom": list(volumesFrom),
            "ConsoleSize": [
                Int(template.consoleSize?.rows ?? 0), Int(template.consoleSize?.columns ?? 0),
            ],
            "CapAdd": list(template.capAdd), "CapDrop": list(template.capDrop),
            "CgroupnsMode": template.cgroup ?? "private", "Dns": template.dns, "DnsOptions": template.dnsOptions,
            "DnsSearch": template.dnsSearch, "ExtraHosts": list(extraHosts), "GroupAdd": list(template.groupAdd),
            "IpcMode": template.ipc ?? "private", "Cgroup": "", "Links": list(links),
            "OomScoreAdj": resources.oomScoreAdjust ?? 0, "PidMode": template.pid ?? "",
        ])
        let second: KeyValuePairs<String, any JSONConvertible> = [
            "Privileged": template.privileged, "PublishAllPorts": template.publishAllPorts ?? false,
            "ReadonlyRootfs": template.readOnly, "UTSMode": template.uts ?? "",
            "UsernsMode": template.usernsMode ?? "", "ShmSize": template.shmSize ?? 64 << 20,
            "Runtime": template.runtime ?? "berth",
            "Isolation": template.isolation ?? "", "CpuShares": resources.cpuShares ?? 0,
            "Memory": resources.memory ?? 0,
            "NanoCpus": resources.cpus.map { Int64(($0 * 1e9).rounded()) } ?? 0,
            "CgroupParent": template.cgroupParent ?? "", "BlkioWeight": resources.blkioWeight ?? 0,
            "CpuPeriod": resources.cpuPeriod ?? 0, "CpuQuota": resources.cpuQuota ?? 0,
            "CpuRealtimePeriod": resources.cpuRealtimePeriod ?? 0,
            "CpuRealtimeRuntime": resources.cpuRealtimeRuntime ?? 0, "CpusetCpus": resources.cpuset ?? "",
            "CpusetMems": "", "Devices": devices,
            "MemoryReservation": resources.memoryReservation ?? 0, "MemorySwap": memorySwap,
            "OomKillDisable": resources.oomKillDisable ?? false, "Ulimits": ulimits,
            "CpuCount": 0, "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0,
            "MaskedPaths": template.maskedPaths ?? Self.maskedPaths,
            "ReadonlyPaths": template.readonlyPaths ?? Self.readonlyPaths,
        ]
        let value = first.adding(second).adding(blockIO)
        return value.adding([
            "SecurityOpt": list(template.securityOptions),
            "StorageOpt": template.storageOptions.isEmpty ? JSONValue.null : template.storageOptions.json,
            "Tmpfs": tmpfs, "Sysctls": template.sysctls.isEmpty ? JSONValue.null : template.sysctls.json,
            "Init": template.useInit ? true : nil as Bool?, "PidsLimit": resources.pids,
            "MemorySwappiness": resources.memorySwappiness, "Mounts": mounts.isEmpty ? JSONValue.null : mounts.json,
            "DeviceCgroupRules": list(template.deviceCgroupRules),
            "Annotations": template.annotations.isEmpty ? JSONValue.null : template.annotations.json,
        ])
    }

    /// The paths that are masked or read-only in every container. Clients show them.
    private static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    ]
    private static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// Twice the memory by default, as in the kernel's settings.
    private var memorySwap: Int64 { resources.memorySwap ?? resources.memory.map { $0 * 2 } ?? 0 }

    private var volumesFrom: [String] {
        template.volumesFrom.map { $0.hasPrefix("container:") ? String($0.dropFirst("container:".count)) : $0 }
    }

    private var extraHosts: [String] {
        template.extraHosts.flatMap { entry in entry.addresses.map { "\(entry.host):\($0)" } }
    }

    private var links: [String] {
        (template.links + template.externalLinks).map { "/\($0.target):/\(record.name)/\($0.alias)" }
    }

    private var portBindings: JSONValue {
        var bindings: [String: [JSONValue]] = [:]
        for port in template.ports {
            bindings["\(port.target)/\(port.transport)", default: []].append(
                .members(["HostIp": port.hostIP ?? "", "HostPort": port.published ?? ""]))
        }
        return bindings.json
    }

    private var devices: [JSONValue] {
        template.devices.map {
            .members(["PathOnHost": $0.source, "PathInContainer": $0.target, "CgroupPermissions": $0.permissions])
        }
    }

    private var ulimits: [JSONValue] {
        template.ulimits.sorted { $0.key < $1.key }.map {
            .members(["Name": $0.key, "Soft": $0.value.soft, "Hard": $0.value.hard])
        }
    }

    private var blockIO: KeyValuePairs<String, any JSONConvertible> {
        func limits(_ list: [Resources.BlockDevices.Limit], _ key: String) -> JSONValue {
            .array(list.map { .members(["Path": $0.path, key: $0.value]) })
        }
        let devices = resources.blkioDevices ?? .init()
        return [
            "BlkioWeightDevice": limits(devices.weights, "Weight"),
            "BlkioDeviceReadBps": limits(devices.readBytes, "Rate"),
            "BlkioDeviceWriteBps": limits(devices.writtenBytes, "Rate"),
            "BlkioDeviceReadIOps": limits(devices.reads, "Rate"),
            "BlkioDeviceWriteIOps": limits(devices.writes, "Rate"),
        ]
    }

    private var tmpfs: JSONValue {
        var result: [String: String] = [:]
        for volume in template.volumes {
            guard case .tmpfs(let size, let mode, let options) = volume.kind else { continue }
            if let options, size == nil, mode == nil {
                result[volume.target] = options
                continue
            }
            let words = [
                volume.readOnly ? "ro" : nil, options, size.map { "size=\($0)" },
                mode.map { "mode=\(String($0, radix: 8))" },
            ]
            result[volume.target] = words.compactMap(\.self).joined(separator: ",")
        }
        return result.isEmpty ? .null : result.json
    }

    /// Short forms where they are enough, long forms for the rest.
    private var storage: (binds: [String], mounts: [JSONValue]) {
        var binds: [String] = []
        var mounts: [JSONValue] = []
        for volume in template.volumes {
            let mode = volume.readOnly ? "ro" : "rw"
            switch volume.kind {
            case .bind(let source, true, let propagation, nil, let label):
                let words = [mode, propagation, label].compactMap(\.self).joined(separator: ",")
                binds.append("\(source):\(volume.target):\(words)")
            case .bind(let source, let makesSource, let propagation, let recursive, _):
                var options = JSONValue.members(["CreateMountpoint": makesSource])
                if let propagation { options = options.adding(["Propagation": propagation]) }
                if recursive == "disabled" { options = options.adding(["NonRecursive": true]) }
                mounts.append(
                    .members([
                        "Type": "bind", "Source": source, "Target": volume.target, "ReadOnly": volume.readOnly,
                        "BindOptions": options,
                    ]))
            case .volume(let name?, let noCopy, nil):
                let full = record.definitions.volumes[name]?.name ?? name
                binds.append("\(full):\(volume.target):\(mode)\(noCopy ? ",nocopy" : "")")
            case .volume(let name, let noCopy, let subpath):
                guard name != nil || noCopy || subpath != nil else { continue }
                mounts.append(
                    .members([
                        "Type": "volume", "Source": name ?? "", "Target": volume.target,
                        "ReadOnly": volume.readOnly,
                        "VolumeOptions": JSONValue.members(["NoCopy": noCopy, "Subpath": subpath ?? ""]),
                    ]))
            case .image(let source, _):
                mounts.append(.members(["Type": "image", "Source": source, "Target": volume.target]))
            case .tmpfs: break
            }
        }
        return (binds, mounts)
    }
}
