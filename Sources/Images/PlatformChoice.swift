import OCI

extension Platform {
    /// The platform that a person gave as `--platform` or `platform:`; nil without one.
    /// - Throws: for an invalid text, which must not count as no platform.
    package static func named(_ text: String?) throws(ImageError) -> Platform? {
        guard let text else { return nil }
        guard let platform = Platform(text) else {
            throw .failed("\"\(text)\" is not a platform: write os/architecture or os/architecture/variant")
        }
        return platform
    }

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
