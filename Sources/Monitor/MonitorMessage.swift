import OCI

/// Commands of the engine on a control connection; newline-delimited JSON.
///
/// The monitor inherits the first connection as descriptor 3; later ones come through `control.sock`. Each begins with
/// the monitor's `hello`, and, if there is a process, `state`. Several connections may be open.
package enum MonitorCommand: Codable, Hashable, Sendable {
    /// Let the process at the gate exec. Answered by `started` or `failed`.
    case release
    /// To the container's init process, or the exec's process; with `all` to every process of the container's cgroup.
    case signal(number: Int32, all: Bool)
    case resize(rows: UInt16, columns: UInt16)
    /// Freeze and thaw the cgroup. Answered by `paused` and `resumed`.
    case pause
    case resume
    case update(RuntimeSpec.Resources)
    /// Give up before `release`: kill the process at the gate and exit.
    case abandon
}

/// Events of a monitor on every control connection; newline-delimited JSON. Readers ignore unknown events.
package enum MonitorEvent: Codable, Hashable, Sendable {
    /// The supported protocol versions, and the monitor's own pid.
    case hello(minimum: Int, maximum: Int, monitorPID: Int32)
    /// The process exists and waits at the gate. Sent again before `started` when the final process is another one: in
    /// a pid namespace that it joins, it is created only then.
    case created(ProcessIdentity)
    /// exec succeeded. Nanoseconds since 1970.
    case started(at: Int64)
    /// The process could not be created or run; the monitor exits.
    case failed(LaunchFailure)
    case paused
    case resumed
    case exited(ExitStatus)
    /// The current state, for a connection made later.
    case state(MonitorState)
    /// A command failed.
    case refused(command: String, reason: String)
}

/// Identifies a process even if its pid is reused: pid, start time in clock ticks since boot (proc_pid_stat(5), field
/// 22), boot.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    package var pid: Int32
    package var startTicks: UInt64
    /// `/proc/sys/kernel/random/boot_id`.
    package var bootID: String

    package init(pid: Int32, startTicks: UInt64, bootID: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.bootID = bootID
    }
}

/// `state.json`; replaced at every change.
package struct MonitorState: Codable, Hashable, Sendable {
    package enum Phase: String, Codable, Hashable, Sendable { case creating, created, running, paused, exited }

    package var phase: Phase
    package var process: ProcessIdentity?
    /// Nanoseconds since 1970.
    package var startedAt: Int64?
    package var exit: ExitStatus?
    /// Absolute paths of the container's cgroups: one on v2, one for each controller on v1.
    package var cgroups: [String]
    /// Set when the process could not be created or run; then `phase` is `exited`, without `exit`.
    package var failure: LaunchFailure?
    /// What this host lacks and the container does without, as texts for a person.
    package var warnings: [String]?

    package init(
        phase: Phase, process: ProcessIdentity? = nil, startedAt: Int64? = nil, exit: ExitStatus? = nil,
        cgroups: [String] = [], failure: LaunchFailure? = nil
    ) {
        self.phase = phase
        self.process = process
        self.startedAt = startedAt
        self.exit = exit
        self.cgroups = cgroups
        self.failure = failure
    }
}

/// How a process ended.
package struct ExitStatus: Codable, Hashable, Sendable {
    /// As in a shell: the exit code, or 128 plus the signal.
    package var code: Int
    package var signal: Int32?
    /// The kernel's OOM killer killed a process in the container.
    package var isOutOfMemory: Bool
    /// The kernel refused it a process or thread because of `pids.max`; nil if unknown.
    package var wasRefusedProcesses: Bool?
    /// Nanoseconds since 1970.
    package var at: Int64
    /// The exec was killed because of its timeout.
    package var isTimeout: Bool

    package init(
        code: Int, signal: Int32?, isOutOfMemory: Bool, wasRefusedProcesses: Bool? = nil, at: Int64,
        isTimeout: Bool = false
    ) {
        self.code = code
        self.signal = signal
        self.isOutOfMemory = isOutOfMemory
        self.wasRefusedProcesses = wasRefusedProcesses
        self.at = at
        self.isTimeout = isTimeout
    }
}

/// Why a process could not be created or run.
package struct LaunchFailure: Codable, Error, Hashable, Sendable, CustomStringConvertible {
    /// The failed step in words: "mount /data", "exec".
    package var step: String
    /// errno; 0 when no system call failed.
    package var errno: Int32
    /// A text for a person: `exec "nosuch": executable file not found in $PATH`.
    package var message: String
    /// The exit code of a shell: 126 or 127 for exec, otherwise 125.
    package var exitCode: Int

    package var description: String { message }

    package init(step: String, errno: Int32, message: String, exitCode: Int) {
        self.step = step
        self.errno = errno
        self.message = message
        self.exitCode = exitCode
    }
}

package enum MonitorProtocol {
    package static let versions = 1...1
    /// Descriptors that the monitor inherits: control, and for an exec the stream of `StreamFrame`s (absent when
    /// detached).
    package static let controlDescriptor: Int32 = 3
    package static let streamDescriptor: Int32 = 4
}
