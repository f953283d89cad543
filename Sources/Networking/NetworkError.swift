import Linux

/// Why a network could not be made as wished.
package enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An interface of that name exists and is something else.
    case notABridge(String)
    /// A container is to be attached to a network that is not there.
    case noBridge(String)
    case kernel(SyscallError)

    package var description: String {
        switch self {
        case .notABridge(let name):
            "an interface named \(name) exists and is no bridge; rename it, or give the network another bridge name"
        case .noBridge(let name): "the bridge \(name) does not exist"
        case .kernel(let error): "\(error)"
        }
    }
}
