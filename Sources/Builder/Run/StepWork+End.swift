import Dockerfile
import EngineWire
import Linux
import Synchronization

// Reports on a command that has ended.
extension StepWork {
    /// - Throws: `BuildFailure` if the command failed, with the reason if the machine knows it.
    func check(_ end: StepEnd, of step: RunStep, _ tail: OutputTail) throws {
        let limit = "it wanted more than the \(end.processLimit ?? 0) processes that a step may have"
        guard end.code != 0 else {
            if end.isOutOfProcesses {
                let message = "the command was refused processes: \(limit)"
                parts.tell(.warning(BuildNote(message: message, place: .init(instruction.place))))
            }
            return
        }
        var note = BuildNote(
            code: .stepFailed, message: "the command ended with exit code \(end.code)",
            place: .init(instruction.place), log: tail.lines)
        note.command = step.arguments
        note.exitCode = end.code
        if isDiskFull(at: parts.cache.root) {
            note.code = .noSpace
            note.message += ": the disk that holds \(parts.cache.root) is full"
            note.hint = BuildNote.roomHint
        } else if end.isOutOfProcesses {
            note.message += ": \(limit)"
            note.hint = "start fewer at once, as in `make -j4`"
        } else if end.isOutOfMemory {
            note.message += ": the machine has no more memory for it"
            note.hint = "let it do less at once, as in `make -j1`, or build on a machine with more memory"
        } else if end.code == 127 {
            note.hint = "127: a program was not found in the image"
        } else if end.code == 137 {
            note.hint = "137: it was killed; did it need more memory than there is?"
        }
        throw BuildFailure([note])
    }
}

extension BuildNote {
    /// What helps when the disk is full.
    static let roomHint = "free some room: `berth builder prune`, `berth image prune`, or other files on that disk"
}

/// The last lines that a step wrote.
final class OutputTail: Sendable {
    private static let limit = 20
    // The mutex guards the text: both streams of a program add to it.
    private let text = Mutex<[UInt8]>([])

    func add(_ bytes: [UInt8]) {
        text.withLock { text in
            text += bytes
            if text.count > 64 << 10 { text.removeFirst(text.count - (32 << 10)) }
        }
    }

    var lines: [String] {
        text.withLock { text in
            String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(Self.limit).map(String.init)
        }
    }
}
