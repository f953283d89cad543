extension RuntimeSpec {
    /// `linux.resources` (config-linux.md): limits of a cgroup.
    package struct Resources: Codable, Hashable, Sendable {
        package var devices: [DeviceRule]?
        package var memory: Memory?
        package var cpu: CPU?
        package var pids: Pids?
        package var blockIO: BlockIO?
        package var hugepageLimits: [HugepageLimit]?
        /// cgroup v2 files and the text to write to each.
        package var unified: [String: String]?
        package init() {}
    }

    package struct DeviceRule: Codable, Hashable, Sendable {
        package var allow: Bool
        package var type: String?
        package var major: Int64?
        package var minor: Int64?
        package var access: String?
        package init(
            allow: Bool, type: String? = nil, major: Int64? = nil, minor: Int64? = nil, access: String? = nil
        ) {
            self.allow = allow
            self.type = type
            self.major = major
            self.minor = minor
            self.access = access
        }
    }

    /// Bytes; -1 means unlimited.
    package struct Memory: Codable, Hashable, Sendable {
        package var limit: Int64?
        package var reservation: Int64?
        /// Memory and swap together.
        package var swap: Int64?
        package var swappiness: UInt64?
        package var disableOOMKiller: Bool?
        package var checkBeforeUpdate: Bool?
        package init() {}
    }

    package struct CPU: Codable, Hashable, Sendable {
        package var shares: UInt64?
        /// Microseconds in each period.
        package var quota: Int64?
        package var burst: UInt64?
        package var period: UInt64?
        package var realtimeRuntime: Int64?
        package var realtimePeriod: UInt64?
        package var cpus: String?
        package var mems: String?
        package var idle: Int64?
        package init() {}
    }

    package struct Pids: Codable, Hashable, Sendable {
        package var limit: Int64
        package init(limit: Int64) { self.limit = limit }
    }

    package struct BlockIO: Codable, Hashable, Sendable {
        package var weight: UInt16?
        package var leafWeight: UInt16?
        package var weightDevice: [WeightDevice]?
        package var throttleReadBpsDevice: [ThrottleDevice]?
        package var throttleWriteBpsDevice: [ThrottleDevice]?
        package var throttleReadIOPSDevice: [ThrottleDevice]?
        package var throttleWriteIOPSDevice: [ThrottleDevice]?
        package init() {}
    }

    package struct WeightDevice: Codable, Hashable, Sendable {
        package var major: Int64
        package var minor: Int64
        package var weight: UInt16?
        package var leafWeight: UInt16?
        package init(major: Int64, minor: Int64, weight: UInt16? = nil, leafWeight: UInt16? = nil) {
            self.major = major
            self.minor = minor
            self.weight = weight
            self.leafWeight = leafWeight
        }
    }

    package struct ThrottleDevice: Codable, Hashable, Sendable {
        package var major: Int64
        package var minor: Int64
        package var rate: UInt64
        package init(major: Int64, minor: Int64, rate: UInt64) {
            self.major = major
            self.minor = minor
            self.rate = rate
        }
    }

    package struct HugepageLimit: Codable, Hashable, Sendable {
        package var pageSize: String
        package var limit: UInt64
        package init(pageSize: String, limit: UInt64) {
            self.pageSize = pageSize
            self.limit = limit
        }
    }
}
