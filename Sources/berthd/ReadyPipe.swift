import EngineWire
import Glibc
import JSON

/// Descriptor 3, if the process that started the engine waits there for one line.
enum ReadyPipe {
    private static let descriptor: CInt = 3

    /// Reports that the engine answers now, or why it does not; then closes the pipe.
    static func report(_ failure: EngineFailure?) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return }
        let text = failure.flatMap { try? encodeJSON($0) } ?? Array(#"{"ready":true}"#.utf8)
        let line = text + [0x0A]
        _ = write(descriptor, line, line.count)
        close(descriptor)
    }
}
