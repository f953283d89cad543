import Linux

/// Why a network could not be made as wished.
package enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An interface of that name exists and is something else.
    case notABridge(String)
    /// A container is to be attached to a network that is not there.
    case noBridge(String)
    /// The interface that a network shares is not on this host.
    case noParent(String)
    /// The kernel has no interfaces of this kind; the module that would bring them.
    case kindUnknown(String, String)
    case kernel(SyscallError)

    package var description: String {
        switch self {
        case .notABridge(let name):
            "an interface named \(name) exists and is no bridge; rename it, or give the network another bridge name"
        case .noBridge(let name): "the bridge \(name) does not exist"
        case .noParent(let name): "this host has no interface \(name)"
        case .kindUnknown(let kind, let module):
            "this kernel cannot create interfaces of type \"\(kind)\"; `modprobe \(module)` loads them where they are installed"
        case .kernel(let error): "\(error)"
        }
    }
}
