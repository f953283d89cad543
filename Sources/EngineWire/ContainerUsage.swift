/// What a running container has used so far, and its limits: `GET /v1/containers/ID/usage`.
package struct ContainerUsage: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    /// The time of the reading, in nanoseconds since 1970.
    package var read: Int64
    package var processor = Processor()
    package var memory = Memory()
    package var tasks = Tasks()
    package var devices: [DeviceIO] = []
    /// By interface, without the loopback; empty when the container has no network of its own.
    package var networks: [String: NetworkIO] = [:]

    package init(id: String, name: String, read: Int64) {
        self.id = id
        self.name = name
        self.read = read
    }

    /// Times in nanoseconds.
    package struct Processor: Codable, Hashable, Sendable {
        package var total: Int64 = 0
        package var user: Int64 = 0
        package var kernel: Int64 = 0
        /// Of all processors of the machine, including idle time.
        package var machine: Int64 = 0
        package var online = 1
        package var periods: Int64 = 0
        package var throttledPeriods: Int64 = 0
        package var throttledTime: Int64 = 0
    }

    /// In bytes.
    package struct Memory: Codable, Hashable, Sendable {
        package var usage: Int64 = 0
        /// The container's limit, or the machine's memory.
        package var limit: Int64 = 0
        package var peak: Int64?
        package var failures: Int64?
        /// The kernel's `memory.stat`.
        package var details: [String: Int64] = [:]

        /// Without file cache that may be dropped at any time: the number in `docker stats`.
        package var withoutCache: Int64 {
            let cache = details["total_inactive_file"] ?? details["inactive_file"] ?? 0
            return cache < usage ? usage - cache : usage
        }
    }

    package struct Tasks: Codable, Hashable, Sendable {
        package var current: Int64 = 0
        /// nil means none.
        package var limit: Int64?

        package init(current: Int64 = 0, limit: Int64? = nil) {
            self.current = current
            self.limit = limit
        }
    }

    /// The I/O of one block device.
    package struct DeviceIO: Codable, Hashable, Sendable {
        package var major: Int
        package var minor: Int
        package var readBytes: Int64 = 0
        package var writtenBytes: Int64 = 0
        package var reads: Int64 = 0
        package var writes: Int64 = 0

        package init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }
    }

    package struct NetworkIO: Codable, Hashable, Sendable {
        package var receivedBytes: Int64 = 0
        package var receivedPackets: Int64 = 0
        package var receivedErrors: Int64 = 0
        package var receivedDropped: Int64 = 0
        package var sentBytes: Int64 = 0
        package var sentPackets: Int64 = 0
        package var sentErrors: Int64 = 0
        package var sentDropped: Int64 = 0

        package init() {}
    }
}
