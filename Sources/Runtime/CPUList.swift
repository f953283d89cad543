/// CPUs by number.
package enum CPUList {
    /// Converts a list such as `0-3,7` to bits, the first CPU lowest (cpuset(7), "List format").
    package static func bits(_ list: String) throws(RuntimeFailure) -> [UInt64] {
        var bits: [UInt64] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                Int($0.filter { $0 != " " && $0 != "\n" })
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0,
                first <= last, last < 8192
            else { throw RuntimeFailure(step: "CPUs", message: "\"\(list)\" is not a list of CPUs") }
            for cpu in first...last {
                while bits.count <= cpu / 64 { bits.append(0) }
                bits[cpu / 64] |= 1 << UInt64(cpu % 64)
            }
        }
        return bits
    }
}
