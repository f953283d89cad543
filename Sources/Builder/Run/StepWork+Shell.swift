import EngineWire

// `--debug`.
extension StepWork {
    /// Opens a shell for the client in the room of a step that failed, and waits until it ends. Others who wait for the same step
    /// hear of the failure at once.
    func openShell(
        after error: any Error, _ step: RunStep, in room: StepRoom, _ maker: BuildCache.Maker
    ) async {
        let failure = failure(error)
        await maker.fail(failure)
        guard maker.isAttended(), let note = failure.notes.first else { return }
        var shell = step
        shell.arguments = [instruction.shell]
        var room = room
        room.hasTerminal = true
        do { try await parts.host.openShell(shell, in: room, because: note) } catch {
            guard !Task.isCancelled else { return }
            parts.tell(
                .warning(BuildNote(message: "there is no shell: \(BuildNote(describing: error).message)")))
        }
    }
}
