import Glibc
import Linux

/// The main function of `berth-net FOLDER`; returns the exit status.
///
/// The engine starts it in a session of its own, with descriptor 3 as the first control connection. Later connections
/// come through `FOLDER/net.sock`. It holds the lock on `FOLDER/net.lock` as long as it runs, and ends only when told
/// to.
package func runNameService(_ arguments: [String]) -> Int32 {
    switch arguments.dropFirst().first {
    case "--help", "-h":
        print(usage)
        return 0
    case "--version":
        print("berth-net version 0.1.0")
        return 0
    case let option? where option.hasPrefix("-"):
        complain("berth-net: there is no option \(option)\n\(usage)")
        return 2
    default: break
    }
    guard arguments.count == 2 else {
        complain(usage)
        return 2
    }
    let folder = arguments[1]
    let hasControl = isSocket(NetProtocol.controlDescriptor)  // before anything else can get that number
    signal(SIGPIPE, SIG_IGN)  // splice(2) to a socket that the other side closed raises it
    raiseDescriptorLimit()
    do throws(SyscallError) {
        guard let lock = try FileLock.attempt("\(folder)/net.lock") else {
            complain("berth-net: another berth-net uses \(folder)")
            return 75
        }
        let service = try Service(folder: folder)
        if hasControl {
            _ = fcntl(NetProtocol.controlDescriptor, F_SETFD, FD_CLOEXEC)
            try service.addControl(OwnedFD(owning: NetProtocol.controlDescriptor))
        }
        try service.run()
        unlink("\(folder)/net.sock")
        _ = consume lock
        return 0
    } catch {
        complain("berth-net: \(error)")
        return 70
    }
}

private let usage = """
    usage: berth-net FOLDER

    Answers DNS queries of containers, holds host ports and forwards connections to containers, until it is told to
    leave. The engine starts it; FOLDER is the engine's run folder.
    """

private func isSocket(_ descriptor: CInt) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
}

/// A held port needs one descriptor, a proxied connection six.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return }  // RLIMIT_NOFILE
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(7), &limit)
}

private func complain(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = write(2, line, line.count)
}
