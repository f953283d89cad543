/// Limits of CPU, memory and processes, from the service's own keys or `deploy.resources`.
package struct Resources: Codable, Hashable, Sendable {
    /// Cores; 1.5 is one and a half.
    package var cpus: Double?
    package var cpuShares: Int64?
    package var cpuQuota: Int64?
    package var cpuPeriod: Int64?
    package var cpuset: String?
    /// In bytes, like the next ones; a swap of -1 means unlimited. `memorySwap` is memory and swap together.
    package var memory: Int64?
    package var memoryReservation: Int64?
    package var memorySwap: Int64?
    package var memorySwappiness: Int64?
    package var pids: Int64?
    package var oomScoreAdjust: Int?
    package var oomKillDisable: Bool?
    package var blkioWeight: Int?
    /// In microseconds; only cgroup v1 has this.
    package var cpuRealtimePeriod: Int64?
    package var cpuRealtimeRuntime: Int64?
    package var blkioDevices: BlockDevices?

    /// Limits for single block devices (`blkio_config`).
    package struct BlockDevices: Codable, Hashable, Sendable {
        package struct Limit: Codable, Hashable, Sendable {
            /// The path on the host.
            package var path: String
            /// A weight from 10 to 1000, or bytes or operations in a second.
            package var value: Int64

            package init(path: String, value: Int64) {
                self.path = path
                self.value = value
            }
        }

        package var weights: [Limit] = []
        package var readBytes: [Limit] = []
        package var writtenBytes: [Limit] = []
        package var reads: [Limit] = []
        package var writes: [Limit] = []

        enum CodingKeys: String, CodingKey {
            case weights = "weight_device"
            case readBytes = "device_read_bps"
            case writtenBytes = "device_write_bps"
            case reads = "device_read_iops"
            case writes = "device_write_iops"
        }

        package init() {}
    }

    enum CodingKeys: String, CodingKey {
        case cpus, cpuset
        case cpuShares = "cpu_shares"
        case cpuQuota = "cpu_quota"
        case cpuPeriod = "cpu_period"
        case memory = "mem_limit"
        case memoryReservation = "mem_reservation"
        case memorySwap = "memswap_limit"
        case memorySwappiness = "mem_swappiness"
        case pids = "pids_limit"
        case oomScoreAdjust = "oom_score_adj"
        case oomKillDisable = "oom_kill_disable"
        case blkioWeight = "blkio_weight"
        case cpuRealtimePeriod = "cpu_rt_period"
        case cpuRealtimeRuntime = "cpu_rt_runtime"
        case blkioDevices = "blkio_config"
    }

    package init() {}
}
