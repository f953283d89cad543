import Linux
import OCI

/// Why an operation on an image failed; with a text for a person.
package enum ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    case notFound(String)
    /// Several image IDs begin like this.
    case ambiguous(String, matches: Int)
    /// A container needs it.
    case inUse(String, reason: String)
    case invalidImage(String)
    /// The archive is damaged, or attempts something forbidden.
    case invalidArchive(String)
    /// An invalid Dockerfile instruction among an import's changes.
    case invalidChange(instruction: String, reason: String)
    case digestMismatch(what: String, expected: Digest, actual: Digest)
    case tooLarge(String)
    case noSpace(String)
    case noPlatform(wanted: String, available: [String])
    /// An error from a registry, or the reason why it cannot be reached.
    case registry(String)
    case unauthorized(String)
    case damagedStore(String)
    case failed(String)

    package var description: String {
        switch self {
        case .notFound(let name): "no such image: \(name)"
        case .ambiguous(let prefix, let matches): "\"\(prefix)\" is the start of \(matches) image IDs: give more digits"
        case .inUse(let name, let reason): "cannot remove image \(name): \(reason)"
        case .invalidImage(let reason): "invalid image: \(reason)"
        case .invalidArchive(let reason): "invalid archive: \(reason)"
        case .invalidChange(let instruction, let reason): "change \"\(instruction)\": \(reason)"
        case .digestMismatch(let what, let expected, let actual):
            "\(what) has the digest \(actual), but expected \(expected)"
        case .tooLarge(let reason): "too large: \(reason)"
        case .noSpace(let path): "no space left on the disk that holds \(path); berth removed incomplete data"
        case .noPlatform(let wanted, let available):
            "no image for \(wanted); there is one for: \(available.joined(separator: ", "))"
        case .registry(let reason), .unauthorized(let reason), .failed(let reason): reason
        case .damagedStore(let reason): "the image store is damaged: \(reason)"
        }
    }
}

/// Turns any error that means a full disk into an error that says so.
func explainingFullDisk<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as SyscallError where error.isFullDisk {
        throw ImageError.noSpace(path)
    }
}
