import Dockerfile
import EngineWire
import Images
import Linux
import YAML

extension BuildNote.Place {
    init(_ range: SourceRange) {
        self.init(file: range.file, line: range.line, column: range.column, length: range.length)
    }
}

extension BuildNote {
    init(_ diagnostic: Diagnostic) {
        self.init(message: diagnostic.message, hint: diagnostic.hint, place: diagnostic.place.map { Place($0) })
    }

    /// Describes any error.
    init(describing error: any Error) {
        switch error {
        case let failure as EngineFailure:
            self.init(code: failure.code, message: failure.message, hint: failure.hint, log: failure.log)
        case let failure as BuildFailure:
            self = failure.notes.first ?? BuildNote(message: "the build failed")
        case ImageError.noSpace: self.init(code: .noSpace, message: "\(error)", hint: Self.roomHint)
        case let error as SyscallError where error.isFullDisk:
            self.init(code: .noSpace, message: "\(error)", hint: Self.roomHint)
        default: self.init(code: .failed, message: "\(error)")
        }
    }
}
