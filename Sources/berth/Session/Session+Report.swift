import Console
import EngineWire
import JSON
import Linux

extension Session {
    /// Shows why a verb failed, and returns the program's exit status.
    func report(_ error: any Error) -> ExitStatus {
        switch error {
        case let status as ExitStatus: return status
        case let failure as EngineFailure: show([failure])
        case let failure as CommandFailure:
            show(EngineFailure(code: .failed, message: failure.message, hint: failure.hint))
        case let failure as UsageFailure:
            show(EngineFailure(code: .usage, message: failure.message, hint: failure.hint))
            return .usage
        case let failure as ProjectFailure: show(failure)
        case let mistakes as BuildMistakes: show(mistakes)
        case let failure as GoTemplate.Failure:
            show(EngineFailure(code: .usage, message: failure.description))
            return .usage
        default: show(EngineFailure(code: .failed, message: "\(plainText(of: error))"))
        }
        return .failure
    }
}
