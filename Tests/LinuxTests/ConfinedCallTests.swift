import CLinux
import Glibc
import Linux
import Testing

/// What a confined process can still ask of the kernel: tried in children that lock themselves in.
@Suite struct ConfinedCallTests {
    struct Attempt: Sendable, CustomStringConvertible {
        let description: String
        var calls: Confinement.Calls = [.openFiles, .changeFiles]
        let body: @Sendable (_ socket: CInt) -> Void

        init(
            _ description: String, calls: Confinement.Calls = [.openFiles, .changeFiles],
            _ body: @escaping @Sendable (CInt) -> Void
        ) {
            self.description = description
            self.calls = calls
            self.body = body
        }
    }

    @Test(
        "it is ended by every call that reaches beyond its folder",
        arguments: [
            Attempt("socket") { _ in _ = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) },
            Attempt("send on a socket it was left") { _ = send($0, "x", 1, 0) },
            Attempt("sendmsg") {
                var message = msghdr()
                _ = sendmsg($0, &message, 0)
            },
            Attempt("recv") {
                var byte: UInt8 = 0
                _ = recv($0, &byte, 1, CInt(MSG_DONTWAIT))
            },
            Attempt("setsockopt") {
                var on: CInt = 1
                _ = setsockopt($0, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
            },
            Attempt("kill") { _ in _ = kill(getppid(), 0) },
            Attempt("kill of itself") { _ in _ = kill(getpid(), 0) },
            Attempt("tgkill") { _ in _ = berth_tgkill(getpid(), berth_gettid(), 0) },
            Attempt("pidfd_open") { _ in _ = berth_pidfd_open(getpid(), 0) },
            Attempt("pidfd_send_signal") { _ in _ = berth_pidfd_send_signal(0, 0) },
            Attempt("unshare") { _ in _ = berth_unshare(CInt(BERTH_CLONE_NEWUTS)) },
            Attempt("setns") { _ in _ = berth_setns(0, 0) },
            Attempt("mount") { _ in _ = mount("none", "/", nil, 0, nil) },
            Attempt("umount") { _ in _ = umount2("/nowhere", 0) },
            Attempt("chroot") { _ in _ = chroot("/") },
            Attempt("chdir") { _ in _ = chdir("/") },
            Attempt("execve") { _ in _ = execve("/bin/true", [nil], [nil]) },
            Attempt("prlimit") { _ in
                var limit = rlimit()
                _ = getrlimit(__rlimit_resource_t(1), &limit)
            },
            Attempt("setuid") { _ in _ = setuid(0) },
            Attempt("ioctl") { _ in
                var count: CInt = 0
                _ = withUnsafeMutablePointer(to: &count) { ioctl(0, 0x541B, $0) }
            },
            Attempt("memfd_create") { _ in _ = berth_memfd_create("x", 0) },
            Attempt("poll") { _ in _ = poll(nil, 0, 0) },
            Attempt("new code by mmap") { _ in
                _ = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            },
            Attempt("new code by mprotect") { _ in
                if let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) {
                    _ = mprotect(page, 4096, PROT_READ | PROT_EXEC)
                }
            },
            Attempt("open without the right to", calls: []) { _ in _ = open("/", O_RDONLY) },
            Attempt("mkdir without the right to", calls: [.openFiles]) { _ in _ = mkdirat(AT_FDCWD, "/nowhere/x", 0o755)
            },
        ])
    func refused(the: Attempt) throws { #expect(try end(of: the) == SIGSYS) }

    @Test(
        "it works on its folder and its memory",
        arguments: [
            Attempt("nothing") { _ in },
            Attempt("memory", calls: []) { _ in
                for _ in 0..<100 { free(malloc(1 << 20)) }
                _ = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            },
            Attempt("read and write", calls: []) { socket in _ = write(socket, "x", 1) },
            Attempt("open", calls: [.openFiles]) { _ in close(open("/", O_RDONLY)) },
            Attempt("files") { _ in
                _ = mkdirat(AT_FDCWD, "/nowhere/x", 0o755)
                _ = symlinkat("x", AT_FDCWD, "/nowhere/x")
                _ = unlinkat(AT_FDCWD, "/nowhere/x", 0)
                _ = fchownat(AT_FDCWD, "/nowhere/x", 0, 0, AT_SYMLINK_NOFOLLOW)
                _ = fchmodat(AT_FDCWD, "/nowhere/x", 0, 0)
            },
            Attempt("a call that is newer than the list does not exist") { _ in
                if Self.call(500) >= 0 || errno != ENOSYS { _exit(3) }
            },
        ])
    func allowed(the: Attempt) throws { #expect(try end(of: the) == 0) }

    /// syscall(2), which Swift does not see because it takes any arguments.
    private static let call = unsafeBitCast(dlsym(nil, "syscall"), to: (@convention(c) (CLong) -> CLong).self)

    /// The signal that ended a child which locked itself in and made the attempt; 0 when it left with 0.
    private func end(of attempt: Attempt) throws -> CInt {
        var pair: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { for end in pair { close(end) } }
        // Hidden from Swift; the child calls nothing that another thread's lock could hold up.
        _ = Self.call(39)  // getpid(2), or some other harmless call: found before the child needs it
        let symbol = try #require(dlsym(nil, "fork"))
        let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
        let socket = pair[0]
        let body = attempt.body
        let calls = attempt.calls.rawValue
        let pid = fork()
        if pid == 0 {
            if berth_confine(1 << 42, 256, calls) < 0 { _exit(2) }
            body(socket)
            _exit(0)
        }
        try #require(pid > 0)
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && Errno.current == .interrupted {}
        #expect(status & 0x7F != 0 || status >> 8 == 0, "left with \(status >> 8)")
        return status & 0x7F
    }
}
