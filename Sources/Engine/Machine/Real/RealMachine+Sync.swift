import EngineWire
import Glibc
import Images
import Linux
import Monitor
import OCI
import ProjectModel

extension RealMachine {
    package func sync(
        _ request: FilesRequest, from archive: HeldDescriptor, in record: ContainerRecord, _ process: ProcessIdentity
    ) async throws -> FilesAnswer {
        var wish = FileSync(removed: request.removed)
        if request.asOwnUser, let user = record.template.user ?? record.image.user, !user.isEmpty {
            let snapshot = try await images.snapshot(for: try await storedImage(record))
            let found = try await blocking.run { [paths] in
                try lookUpUser(user, in: snapshot.lower, upper: "\(paths.container(record.id))/upper")
            }
            (wish.user, wish.group) = (found.uid, found.gid)
        }
        let wanted = wish
        // When the caller is cancelled, it does not wait for work in progress.
        let leash = WorkerLeash()
        return try await withTaskCancellationHandler {
            try await blocking.run { [images] in
                let handle = try ProcessHandle(
                    pid: process.pid, startTicks: process.startTicks, bootID: process.bootID)
                let mounts = try openFile("/proc/\(process.pid)/ns/mnt", O_RDONLY)
                // The handle was opened before the file. If its process still runs, the file belongs to the same
                // process.
                guard !handle.hasEnded else {
                    throw EngineFailure(code: .conflict, message: "\(record.name) has just ended")
                }
                return FilesAnswer(
                    faults: try syncFiles(
                        wanted, from: archive.handle, inMounts: mounts, by: images.worker, leash: leash))
            }
        } onCancel: {
            leash.cut()
        }
    }
}
