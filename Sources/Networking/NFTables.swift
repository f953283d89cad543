import CNFTables
import Linux
import Synchronization

/// Runs libnftables in the network namespace of the thread that created it, on a thread with its own file descriptor
/// table. The library waits for its socket with select(2), which would end the process if the descriptor were 1024 or
/// more.
///
/// The library has process-wide state, so only one thread may use it at a time.
final class NFTables {
    private let worker: Worker
    /// The writing thread, as the kernel identifies it in notifications.
    let author: NetworkEventFilter.Author

    /// - Throws: `FirewallError.refused` when the kernel has no nftables.
    init() throws(FirewallError) {
        worker = Worker()
        let worker = worker
        do throws(SyscallError) { try startThread { worker.work() } } catch { throw .refused("\(error)") }
        author = try worker.begin()
    }

    deinit { worker.end() }

    /// Runs `commands` as one transaction: all or nothing. Returns their output; `asJSON` includes handles.
    @discardableResult
    func run(_ commands: String, asJSON: Bool = false) throws(FirewallError) -> String {
        try worker.run(commands, asJSON: asJSON)
    }

    /// Runs one job at a time for a caller that waits for it.
    private final class Worker: Sendable {
        private struct Job {
            var commands: String
            var isJSON: Bool
        }

        private struct State {
            var job: Job?
            var author: NetworkEventFilter.Author?
            var answer: Result<String, FirewallError> = .success("")
        }

        // The mutex guards everything; only one thread calls.
        private let state = Mutex(State())
        private let wakeUp = Semaphore()
        private let done = Semaphore()

        func begin() throws(FirewallError) -> NetworkEventFilter.Author {
            done.wait()
            let (author, answer) = state.withLock { ($0.author, $0.answer) }
            _ = try answer.get()
            guard let author else { throw .refused("its thread did not begin") }
            return author
        }

        func run(_ commands: String, asJSON: Bool) throws(FirewallError) -> String {
            state.withLock { $0.job = Job(commands: commands, isJSON: asJSON) }
            wakeUp.signal()
            done.wait()
            return try state.withLock { $0.answer }.get()
        }

        func end() { wakeUp.signal() }

        func work() {
            do throws(FirewallError) {
                let context = try NFTablesContext()
                state.withLock { $0.author = .current }
                done.signal()
                while true {
                    wakeUp.wait()
                    guard let job = state.withLock({ $0.job.take() }) else { return }
                    let answer = Result { () throws(FirewallError) in
                        try context.run(job.commands, asJSON: job.isJSON)
                    }
                    state.withLock { $0.answer = answer }
                    done.signal()
                }
            } catch {
                state.withLock { $0.answer = .failure(error) }
                done.signal()
            }
        }
    }
}

/// libnftables on the calling thread. The thread gives up the process's descriptor table for it, and must end with it.
struct NFTablesContext: ~Copyable {
    private let context: OpaquePointer

    /// - Throws: `FirewallError.refused` when the kernel has no nftables.
    init() throws(FirewallError) {
        do throws(SyscallError) { try leaveSharedDescriptors() } catch { throw .refused("\(error)") }
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw .refused("no context: is the kernel built with nf_tables?")
        }
        nft_ctx_buffer_output(context)
        nft_ctx_buffer_error(context)
        self.context = context
    }

    deinit { nft_ctx_free(context) }

    /// Runs `commands` as one transaction: all or nothing. Returns their output; `asJSON` includes handles.
    @discardableResult
    func run(_ commands: String, asJSON: Bool = false) throws(FirewallError) -> String {
        nft_ctx_output_set_flags(context, asJSON ? Self.json : 0)
        let result = nft_run_cmd_from_buffer(context, commands)
        let output = nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        let error = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        guard result == 0 else { throw .refused(Self.firstLine(of: error)) }
        return output
    }

    private static let json: UInt32 = 1 << 4 | 1 << 3  // NFT_CTX_OUTPUT_JSON, NFT_CTX_OUTPUT_HANDLE

    private static func firstLine(of words: String) -> String {
        words.split(separator: "\n").first { $0.contains("rror") }.map(String.init) ?? "failed without a message"
    }
}
