import Linux

/// Works on the files of containers in confined worker processes.
package struct ContainerFiles: Sendable {
    private let worker: UnpackWorker

    package init(_ worker: UnpackWorker) { self.worker = worker }

    /// Performs `task` on the files that `view` shows (`openView`), reading or writing `archive`. Blocks until it is
    /// done, or `leash` is cut.
    /// - Throws: `FileFailure` for problems with the container's files or the archive.
    package func perform(
        _ task: FileTask, _ view: borrowing OwnedFD, _ archive: CInt, leash: WorkerLeash = WorkerLeash()
    ) throws -> FileStatus? {
        let report: FileReport
        switch worker {
        case .inProcess: report = task.perform(archive, in: view)
        case .process(let program):
            guard
                case .files(let told) = try performInWorker(
                    .files(task), program, archive, into: view, at: "the container", leash: leash)
            else {
                throw ImageError.failed(
                    "the process that works on files gave an unexpected answer")
            }
            report = told
        }
        switch report {
        case .status(let status): return status
        case .done: return nil
        case .failed(let failure): throw failure
        }
    }
}
