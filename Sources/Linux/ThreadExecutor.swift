/// Runs an actor's jobs on a thread of its own, so that the actor may make blocking calls.
package final class ThreadExecutor: SerialExecutor {
    private let thread: BlockingPool

    package init(name: String) { thread = BlockingPool(name: name, limit: 1) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        thread.submit { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
