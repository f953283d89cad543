import Linux
import OCI

extension Cgroup {
    func applyBlockIO(_ blockIO: RuntimeSpec.BlockIO) throws(RuntimeFailure) {
        guard let hierarchy = hierarchy(with: "blkio") ?? hierarchy(with: "io") else {
            throw RuntimeFailure(step: "block I/O limit", message: "block I/O limit: this host has no cgroup for it")
        }
        if let weight = blockIO.weight, weight > 0 { try setWeight(hierarchy, UInt64(weight), device: nil) }
        for device in blockIO.weightDevice ?? [] {
            guard let weight = device.weight, weight > 0 else { continue }
            try setWeight(hierarchy, UInt64(weight), device: "\(device.major):\(device.minor)")
        }
        let throttles = [
            ("read_bps", "rbps", blockIO.throttleReadBpsDevice), ("write_bps", "wbps", blockIO.throttleWriteBpsDevice),
            ("read_iops", "riops", blockIO.throttleReadIOPSDevice),
            ("write_iops", "wiops", blockIO.throttleWriteIOPSDevice),
        ]
        for (legacy, unified, devices) in throttles {
            for device in devices ?? [] {
                let name = "\(device.major):\(device.minor)"
                // Writing 0 removes a v1 limit; v2 uses "max".
                let rate = device.rate == 0 ? "max" : "\(device.rate)"
                let file = hierarchy.isUnified ? "io.max" : "blkio.throttle.\(legacy)_device"
                let line = hierarchy.isUnified ? "\(name) \(unified)=\(rate)" : "\(name) \(device.rate)"
                try write(line, to: "\(hierarchy.folder)/\(file)", "block I/O limit of \(name)")
            }
        }
    }

    /// From 10 to 1000. BFQ uses the same range; v2's own weight runs from 1 to 10000.
    private func setWeight(_ hierarchy: Hierarchy, _ weight: UInt64, device: String?) throws(RuntimeFailure) {
        guard (10...1000).contains(weight) else {
            throw RuntimeFailure(step: "block I/O weight", message: "block I/O weight \(weight) is not within 10…1000")
        }
        let suffix = device == nil || hierarchy.isUnified ? "" : "_device"
        let prefix = device.map { "\($0) " } ?? ""
        let files =
            hierarchy.isUnified
            ? [("io.bfq.weight", weight), ("io.weight", 1 + (weight - 10) * 9999 / 990)]
            : [("blkio.bfq.weight\(suffix)", weight), ("blkio.weight\(suffix)", weight)]
        for (file, value) in files where fileExists("\(hierarchy.folder)/\(file)") {
            return try write("\(prefix)\(value)", to: "\(hierarchy.folder)/\(file)", "block I/O weight")
        }
        throw RuntimeFailure(
            step: "block I/O weight",
            message: "block I/O weight: this host's I/O scheduler does not support weights (BFQ does)"
        )
    }
}
