import EngineWire
import Linux

/// What is done to the processes of containers.
package protocol ProcessFacet: Sendable {
    func signal(_ id: String, number: Int32, all: Bool) async throws
    /// Kills the process of a container whose monitor is gone: nobody reads its output or learns how it ends.
    func endUnwatched(_ container: ContainerRecord) async
    func pause(_ id: String) async throws
    func resume(_ id: String) async throws
    /// Whom `signal` is for in place of the container's first process: the programs of a shell that does not handle it. nil for any
    /// other first process, and for a shell without programs.
    func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop?
    /// Takes `stop` a step on, `elapsed` after its first; true once none of its programs is left.
    func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool)
    /// The init neither catches nor blocks `signal`, so the kernel drops it.
    func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool
    /// The kernel drops `signal` for the container's first process, a shell or not. One that ignores it on purpose hears.
    func cannotHear(_ signal: Int32, _ container: ContainerRecord) async -> Bool
    /// The container's first process is a shell that has started something.
    func isShellWithChildren(_ container: ContainerRecord) async -> Bool
    /// What runs in a container, its first process first.
    func processes(of container: ContainerRecord) async throws -> [ProcessRow]
    /// Runs a command in the container to its end: health probes and hooks.
    func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws -> ProbeResult
}

package struct ProbeCommand: Hashable, Sendable {
    package var arguments: [String]
    package var user: String?
    package var workingDirectory: String?
    package var environment: [String: String]
    package var timeout: Duration?
    package var privileged: Bool
    /// It has a terminal, so TERM is set.
    package var terminal: Bool

    package init(arguments: [String], timeout: Duration?) {
        self.arguments = arguments
        self.timeout = timeout
        user = nil
        workingDirectory = nil
        environment = [:]
        privileged = false
        terminal = false
    }
}

package struct ProbeResult: Hashable, Sendable {
    package var code: Int
    package var isTimeout: Bool
    /// The end of what it wrote, at most 4 KiB.
    package var output: String

    package init(code: Int, isTimeout: Bool, output: String) {
        self.code = code
        self.isTimeout = isTimeout
        self.output = output
    }
}
