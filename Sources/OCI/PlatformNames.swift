import Glibc

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
}
