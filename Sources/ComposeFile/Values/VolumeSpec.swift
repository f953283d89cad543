/// The short form of a volume: `[SOURCE:]TARGET[:OPTIONS]`.
package struct VolumeSpec: Hashable, Sendable {
    /// A source that starts with `.`, `/` or `~` is a host path.
    package var isBind = false
    package var source: String?
    package var target = ""
    package var readOnly = false
    package var noCopy = false
    package var propagation: String?
    package var selinux: String?
    /// Options that mean nothing.
    package var unknown: [String] = []

    package struct Failure: Error, Hashable, Sendable {
        package let message: String
    }

    package static let options = [
        "ro", "rw", "nocopy", "z", "Z", "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ]
    /// Known from macOS, without a meaning here.
    private static let ignored = ["cached", "delegated", "consistent"]

    package static func parse(_ text: String) throws(Failure) -> VolumeSpec {
        var spec = VolumeSpec()
        guard !text.isEmpty else { throw Failure(message: "the volume is empty") }
        guard text.utf8.count > 2 else {
            spec.target = text
            return spec
        }
        let parts = sections(text)
        if parts.contains("") { throw Failure(message: "'\(text)' has an empty part between colons") }
        if parts.count > 3 { throw Failure(message: "'\(text)' has too many colons") }
        spec.target = parts.count == 1 ? parts[0] : parts[1]
        if parts.count > 1 {
            spec.source = parts[0]
            spec.isBind = isHostPath(parts[0])
        }
        if parts.count == 3 { spec.apply(parts[2].parts(at: UInt8(ascii: ",")).filter { !$0.isEmpty }) }
        return spec
    }

    /// Splits at colons, but not at the one of a Windows drive (`C:\data`).
    private static func sections(_ text: String) -> [String] {
        var parts: [String] = []
        parts.reserveCapacity(4)
        for part in text.parts(at: UInt8(ascii: ":")) {
            if part.utf8.first == UInt8(ascii: "\\"), let drive = parts.last, drive.count == 1,
                drive.allSatisfy(\.isLetter)
            {
                parts[parts.count - 1] = "\(drive):\(part)"
            } else {
                parts.append(part)
            }
        }
        return parts
    }

    package static func isHostPath(_ source: String) -> Bool {
        switch source.utf8.first {
        case nil: false
        case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "~"): true
        default:
            source.utf8.contains(UInt8(ascii: "\\"))
                && (source.hasPrefix("\\\\") || source.dropFirst().hasPrefix(":\\"))
        }
    }

    private mutating func apply(_ options: [String]) {
        for option in options {
            switch option {
            case "ro": readOnly = true
            case "rw": readOnly = false
            case "nocopy": noCopy = true
            case "z", "Z": selinux = option
            case "private", "rprivate", "shared", "rshared", "slave", "rslave": propagation = option
            default: if !Self.ignored.contains(option) { unknown.append(option) }
            }
        }
    }
}
