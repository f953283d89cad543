import CLinux
import Glibc

/// Gives the calling thread its own file descriptor table with only 0, 1 and 2. So descriptors that it opens have low
/// numbers, however many the process has, and are visible only to this thread (close_range(2), CLOSE_RANGE_UNSHARE,
/// kernel 5.9).
///
/// Descriptors of the process are invalid on this thread from now on.
package func leaveSharedDescriptors() throws(SyscallError) {
    try syscall("close_range", on: "the calling thread") { berth_close_range(3, .max, 1 << 1) }
}

/// Runs `body` on a new thread and waits: for calls that change the thread (setns(2), unshare(2)), so that the change
/// ends with the thread.
package func onOwnThread<Result>(_ body: () throws(SyscallError) -> Result) throws(SyscallError) -> Result {
    try withoutActuallyEscaping(body) { (body) throws(SyscallError) -> Result in
        let call = ThreadCall(body)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadCallBase>.fromOpaque(argument).takeUnretainedValue().run()
                return nil
            }, Unmanaged<ThreadCallBase>.passUnretained(call).toOpaque())
        guard code == 0 else {
            throw SyscallError(call: "pthread_create", object: "thread", code: Errno(rawValue: code))
        }
        pthread_join(thread, nil)
        guard let result = call.result else {
            throw SyscallError(call: "pthread_join", object: "thread", code: .interrupted)
        }
        return try result.get()
    }
}

private class ThreadCallBase {
    func run() {}
}

/// The caller waits in pthread_join(3) while the thread runs, so only one of them uses it at a time.
private final class ThreadCall<Result>: ThreadCallBase {
    let body: () throws(SyscallError) -> Result
    var result: Swift.Result<Result, SyscallError>?

    init(_ body: @escaping () throws(SyscallError) -> Result) { self.body = body }

    override func run() {
        do throws(SyscallError) { result = .success(try body()) } catch { result = .failure(error) }
    }
}

/// Starts a thread that runs `body` and then ends, for loops that always wait in a system call.
/// - Throws: `SyscallError` when no thread can be created.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(SyscallError) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(ThreadBody(body))
    let code = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    guard code == 0 else {
        box.release()
        throw SyscallError(call: "pthread_create", object: "thread", code: Errno(rawValue: code))
    }
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
