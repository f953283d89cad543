import CLinux
import Glibc
import Linux

/// Opens sockets in other network namespaces: the process's only thread enters the namespace and returns.
final class NamespaceDoor {
    private let home: OwnedFD

    /// Home is the namespace that the process is in now.
    init() throws(SyscallError) { home = try openFile("/proc/self/ns/net", O_RDONLY) }

    /// Runs `body` in `namespace`; nil means home.
    func inside<Result: ~Copyable>(_ namespace: CInt?, _ body: () throws(SyscallError) -> Result) throws(SyscallError)
        -> Result
    {
        guard let namespace else { return try body() }
        try syscall("setns", on: "fd \(namespace)") { berth_setns(namespace, CInt(BERTH_CLONE_NEWNET)) }
        defer {
            // The process cannot work in another namespace, so it exits; the engine starts a new one.
            if berth_setns(home.raw, CInt(BERTH_CLONE_NEWNET)) != 0 { exit(70) }
        }
        return try body()
    }
}
