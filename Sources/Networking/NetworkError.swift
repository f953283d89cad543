import Linux

/// Why a network could not be created as requested.
package enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name belongs to an interface that is not a bridge.
    case notABridge(String)
    /// The network for a container does not exist.
    case noBridge(String)
    /// The interface that a network shares does not exist on this host.
    case noParent(String)
    /// The kernel does not support this kind of interfaces; the second value is the module for it.
    case kindUnknown(String, String)
    case kernel(SyscallError)

    package var description: String {
        switch self {
        case .notABridge(let name):
            "an interface named \(name) exists but is not a bridge; rename it, or give the network another bridge name"
        case .noBridge(let name): "the bridge \(name) does not exist"
        case .noParent(let name): "this host has no interface \(name)"
        case .kindUnknown(let kind, let module):
            "this kernel cannot create interfaces of type \"\(kind)\"; `modprobe \(module)` loads them where they are installed"
        case .kernel(let error): "\(error)"
        }
    }
}
