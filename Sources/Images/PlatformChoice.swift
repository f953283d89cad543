import Glibc
import OCI

extension Platform {
    /// The platform of this machine (uname(2)).
    package static let host: Platform = {
        var name = utsname()
        uname(&name)
        let machine = withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Platform(os: "linux", architecture: machine).normalized
    }()

    /// Parses `os/architecture[/variant]`, or only an architecture; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        switch parts.count {
        case 1: self = parts[0] == "linux" ? .host : Platform(os: "linux", architecture: parts[0]).normalized
        case 2: self = Platform(os: parts[0], architecture: parts[1]).normalized
        case 3: self = Platform(os: parts[0], architecture: parts[1], variant: parts[2]).normalized
        default: return nil
        }
    }

    /// The platform that a person gave as `--platform` or `platform:`; nil without one.
    /// - Throws: for an invalid text, which must not count as no platform.
    package static func named(_ text: String?) throws(ImageError) -> Platform? {
        guard let text else { return nil }
        guard let platform = Platform(text) else {
            throw .failed("\"\(text)\" is not a platform: write os/architecture or os/architecture/variant")
        }
        return platform
    }

    /// One spelling for each platform: Go's names, and no variant if it is the default.
    package var normalized: Platform {
        var result = self
        switch architecture.lowercased() {
        case "x86_64", "x86-64", "amd64":
            result.architecture = "amd64"
            if variant == "v1" { result.variant = nil }
        case "aarch64", "arm64":
            result.architecture = "arm64"
            if variant == "v8" || variant == "8" { result.variant = nil }
        case "i386", "i486", "i586", "i686", "386": (result.architecture, result.variant) = ("386", nil)
        case "armhf", "armv7l": (result.architecture, result.variant) = ("arm", "v7")
        case "armel", "armv6l": (result.architecture, result.variant) = ("arm", "v6")
        case "arm": result.variant = variant ?? "v7"
        default: break
        }
        return result
    }

    /// `linux/arm/v7`.
    package var text: String { "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "") }

    /// An image for `offered` runs on this platform.
    package func accepts(_ offered: Platform) -> Bool { distance(to: offered) != nil }

    /// How well an image for `offered` runs on this platform: 0 is best, nil means that it does not run.
    ///
    /// A machine of a higher variant runs images of lower ones, preferably the nearest.
    func distance(to offered: Platform) -> Int? {
        let (wanted, offered) = (normalized, offered.normalized)
        guard wanted.os == offered.os, wanted.architecture == offered.architecture else { return nil }
        if wanted.variant == offered.variant { return 0 }
        let fallback = wanted.architecture == "arm64" ? 8 : 1
        let have = wanted.level ?? fallback
        guard let needed = offered.variant == nil ? fallback : offered.level, needed <= have else {
            // Assume v1 for an amd64 machine; images for a higher variant must be requested by name.
            return nil
        }
        return have - needed
    }

    private var level: Int? { variant.flatMap { $0.hasPrefix("v") ? Int($0.dropFirst()) : Int($0) } }
}
