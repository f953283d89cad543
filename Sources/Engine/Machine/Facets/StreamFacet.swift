import EngineWire
import Monitor

/// The live streams of containers, and of commands in them.
///
/// A stream is a connected socket of `StreamFrame`s, which the caller takes over.
package protocol StreamFacet: Sendable {
    /// The streams of a container.
    /// - Throws: `conflict` when it does not run.
    func stream(of container: ContainerRecord) async throws -> CInt
    /// Starts a command in a running container; answers with its stream, or with nil when it is detached, and then once exec worked.
    /// - Throws: `EngineFailure` when it could not be started; a stream tells that itself.
    func startCommand(_ id: String, _ request: ExecRequest, in container: ContainerRecord)
        async throws -> CInt?
    /// The process of a command that was started; nil once it has ended.
    func commandProcess(_ id: String) async -> ProcessIdentity?
    /// Returns when a command that was started has ended; nil when nobody can tell how.
    func commandEnd(_ id: String) async -> ExitStatus?
    /// Gives the terminal of a command, or of a container, another size.
    func resizeTerminal(of id: String, rows: UInt16, columns: UInt16) async throws
}
