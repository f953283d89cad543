import EngineWire
import Linux

/// Acts on the processes of containers.
package protocol ProcessFacet: Sendable {
    func signal(_ id: String, number: Int32, all: Bool) async throws
    /// Kills the process of a container whose monitor is gone: nobody could read its output or its exit status.
    func endUnwatched(_ container: ContainerRecord) async
    func pause(_ id: String) async throws
    func resume(_ id: String) async throws
    /// The processes that should get `signal` instead of the container's first process: the programs of a shell that
    /// does not handle the signal. nil for any other first process, and for a shell without programs.
    func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop?
    /// Does the next step of `stop`; `elapsed` is the time since the first. True once none of its programs is left.
    func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool)
    /// The init process neither catches nor blocks `signal`, so the kernel drops it.
    func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool
    /// The kernel drops `signal` for the container's first process, whether that is a shell or not. False for a process
    /// that ignores the signal on purpose.
    func cannotHear(_ signal: Int32, _ container: ContainerRecord) async -> Bool
    /// The container's first process is a shell that has started a program.
    func isShellWithChildren(_ container: ContainerRecord) async -> Bool
    /// The processes of a container, its first process first.
    func processes(of container: ContainerRecord) async throws -> [ProcessRow]
    /// Runs a command in the container until it ends, for health probes and hooks.
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
    /// The last part of its output, at most 4 KiB.
    package var output: String

    package init(code: Int, isTimeout: Bool, output: String) {
        self.code = code
        self.isTimeout = isTimeout
        self.output = output
    }
}
