import CLinux
import Glibc
import Linux

/// Opens sockets in other network namespaces: the process has one thread, which steps inside and back.
final class NamespaceDoor {
    private let home: OwnedFD

    /// The namespace that the process is in is home.
    init() throws(SyscallError) { home = try openFile("/proc/self/ns/net", O_RDONLY) }

    /// Runs `body` in `namespace`; nil is home.
    func inside<Result: ~Copyable>(_ namespace: CInt?, _ body: () throws(SyscallError) -> Result) throws(SyscallError)
        -> Result
    {
        guard let namespace else { return try body() }
        try syscall("setns", on: "fd \(namespace)") { berth_setns(namespace, CInt(BERTH_CLONE_NEWNET)) }
        defer {
            // In a stranger's namespace nothing this process does is right any more; the engine starts another.
            if berth_setns(home.raw, CInt(BERTH_CLONE_NEWNET)) != 0 { exit(70) }
        }
        return try body()
    }
}
