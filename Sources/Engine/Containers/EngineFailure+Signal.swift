import EngineWire
import OCI

extension EngineFailure {
    /// The number of a signal.
    /// - Throws: `EngineFailure` when `name` is not a signal.
    static func checkingSignal(_ name: String) throws -> Int32 {
        if let number = SignalName.number(name) { return number }
        throw EngineFailure(
            code: .invalid, message: "\"\(name)\" is not a signal",
            hint: "use a name such as SIGTERM, or a number from 1 to 64")
    }
}
