import EngineWire
import Monitor

/// The live streams of containers, and of commands in them.
///
/// A stream is a connected socket of `StreamFrame`s, which the caller then owns.
package protocol StreamFacet: Sendable {
    /// The streams of a container.
    /// - Throws: `conflict` when it does not run.
    func stream(of container: ContainerRecord) async throws -> CInt
    /// Starts a command in a running container. Returns its stream; or, for a detached command, nil once exec
    /// succeeded.
    /// - Throws: `EngineFailure` when it could not start; with a stream, the stream reports that instead.
    func startCommand(_ id: String, _ request: ExecRequest, in container: ContainerRecord)
        async throws -> CInt?
    /// The process of a started command; nil once it has ended.
    func commandProcess(_ id: String) async -> ProcessIdentity?
    /// Returns when a started command has ended; nil when the exit status is unknown.
    func commandEnd(_ id: String) async -> ExitStatus?
    /// Resizes the terminal of a command or of a container.
    func resizeTerminal(of id: String, rows: UInt16, columns: UInt16) async throws
}
