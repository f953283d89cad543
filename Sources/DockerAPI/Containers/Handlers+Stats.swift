import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1

/// The route of statistics.
extension Handlers {
    var statsRoutes: [Route] { [Route(.GET, "/containers/{id}/stats") { try await self.stats($0) }] }

    private func stats(_ request: DockerRequest) async throws -> Response {
        let record = try await engine.snapshot(request.parameter("id")).record
        let follows = request.query.flag("stream", default: true)
        let isSingle = request.query.flag("one-shot")
        if follows && isSingle {
            throw DockerFailure.invalid("cannot have stream=true and one-shot=true")
        }
        var samples = UsageSamples(engine: engine, id: record.id)
        if follows {
            let source = UsageLines(samples)
            return .values(AsyncStream { await source.next() })
        }
        var line = await samples.next()
        if !isSingle, samples.last != nil {
            try await Task.sleep(for: .seconds(1))
            line = await samples.next() ?? line
        }
        return .json(line ?? Usage.nothing(id: record.id, name: record.name))
    }
}

/// Samples of what one container uses, each with the sample before it.
private struct UsageSamples: Sendable {
    let engine: Engine
    let id: String
    private(set) var last: ContainerUsage?

    init(engine: Engine, id: String) {
        self.engine = engine
        self.id = id
    }

    /// nil if the container is gone. A container that does not run uses nothing.
    mutating func next() async -> JSONValue? {
        guard let record = try? await engine.snapshot(id).record else { return nil }
        guard let usage = try? await engine.usage(of: id) else {
            last = nil
            return Usage.nothing(id: id, name: record.name)
        }
        defer { last = usage }
        return Usage.json(usage, before: last)
    }
}

/// One sample per second, the first one at once.
private actor UsageLines {
    private var samples: UsageSamples
    private var hasBegun = false

    init(_ samples: UsageSamples) { self.samples = samples }

    func next() async -> JSONValue? {
        if hasBegun {
            do { try await Task.sleep(for: .seconds(1)) } catch { return nil }
        }
        hasBegun = true
        var own = samples
        let line = await own.next()
        samples = own
        return line
    }
}

/// A sample in the form that Docker's clients read.
enum Usage {
    static func nothing(id: String, name: String) -> JSONValue {
        .members([
            "name": "/\(name)", "id": id, "read": Instant.never, "preread": Instant.never,
            "pids_stats": JSONValue.emptyObject, "blkio_stats": blocks([]), "num_procs": 0,
            "storage_stats": JSONValue.emptyObject, "cpu_stats": processor(nil), "precpu_stats": processor(nil),
            "memory_stats": JSONValue.emptyObject,
        ])
    }

    static func json(_ usage: ContainerUsage, before: ContainerUsage?) -> JSONValue {
        let value = JSONValue.members([
            "name": "/\(usage.name)", "id": usage.id, "read": Instant.text(usage.read),
            "preread": Instant.text(before?.read),
            "pids_stats": JSONValue.members(["current": usage.tasks.current]).adding([
                "limit": usage.tasks.limit
            ]),
            "blkio_stats": blocks(usage.devices), "num_procs": 0, "storage_stats": JSONValue.emptyObject,
            "cpu_stats": processor(usage.processor), "precpu_stats": processor(before?.processor),
            "memory_stats": memory(usage.memory),
        ])
        return usage.networks.isEmpty ? value : value.adding(["networks": usage.networks.mapValues(network)])
    }

    private static func processor(_ usage: ContainerUsage.Processor?) -> JSONValue {
        let value = JSONValue.members([
            "cpu_usage": JSONValue.members([
                "total_usage": usage?.total ?? 0, "usage_in_kernelmode": usage?.kernel ?? 0,
                "usage_in_usermode": usage?.user ?? 0,
            ]),
            "throttling_data": JSONValue.members([
                "periods": usage?.periods ?? 0, "throttled_periods": usage?.throttledPeriods ?? 0,
                "throttled_time": usage?.throttledTime ?? 0,
            ]),
        ])
        return value.adding(["system_cpu_usage": usage?.machine, "online_cpus": usage?.online])
    }

    private static func memory(_ usage: ContainerUsage.Memory) -> JSONValue {
        JSONValue.members(["usage": usage.usage, "stats": usage.details, "limit": usage.limit])
            .adding(["max_usage": usage.peak, "failcnt": usage.failures])
    }

    private static func blocks(_ devices: [ContainerUsage.DeviceIO]) -> JSONValue {
        func entries(_ values: (ContainerUsage.DeviceIO) -> (read: Int64, write: Int64)) -> JSONValue {
            guard !devices.isEmpty else { return .null }
            return .array(
                devices.flatMap { device in
                    let value = values(device)
                    return [("read", value.read), ("write", value.write)].map { name, count in
                        JSONValue.members([
                            "major": device.major, "minor": device.minor, "op": name, "value": count,
                        ])
                    }
                })
        }
        return .members([
            "io_service_bytes_recursive": entries { ($0.readBytes, $0.writtenBytes) },
            "io_serviced_recursive": entries { ($0.reads, $0.writes) }, "io_queue_recursive": JSONValue.null,
            "io_service_time_recursive": JSONValue.null, "io_wait_time_recursive": JSONValue.null,
            "io_merged_recursive": JSONValue.null, "io_time_recursive": JSONValue.null,
            "sectors_recursive": JSONValue.null,
        ])
    }

    private static func network(_ traffic: ContainerUsage.NetworkIO) -> JSONValue {
        .members([
            "rx_bytes": traffic.receivedBytes, "rx_packets": traffic.receivedPackets,
            "rx_errors": traffic.receivedErrors, "rx_dropped": traffic.receivedDropped,
            "tx_bytes": traffic.sentBytes, "tx_packets": traffic.sentPackets, "tx_errors": traffic.sentErrors,
            "tx_dropped": traffic.sentDropped,
        ])
    }
}
