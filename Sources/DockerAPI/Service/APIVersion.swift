/// A version of the Docker Engine API, `1.41`.
package struct APIVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package static let newest = APIVersion(major: 1, minor: 50)
    package static let oldest = APIVersion(major: 1, minor: 24)

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `v1.41`, the first segment of a path; nil for any other.
    package init?(segment: String) {
        guard segment.first == "v" else { return nil }
        let parts = segment.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        self.init(major: major, minor: minor)
    }

    package static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// - Throws: dockerd's error for a version that it does not support.
    func check() throws(DockerFailure) {
        if self < Self.oldest {
            throw .invalid(
                "client version \(self) is too old. Minimum supported API version is \(Self.oldest), please upgrade your client to a newer version"
            )
        }
        if self > Self.newest {
            throw .invalid(
                "client version \(self) is too new. Maximum supported API version is \(Self.newest)")
        }
    }

    package var description: String { "\(major).\(minor)" }
}
