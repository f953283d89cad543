import OCI

/// What the engine says on a control connection; newline-delimited JSON.
///
/// The first connection is descriptor 3 of the monitor, inherited; later ones come through `control.sock`. Each begins with
/// the monitor's `hello`, followed for a monitor that already has a process by `state`. Several connections may be open.
package enum MonitorCommand: Codable, Hashable, Sendable {
    /// Let the process behind the gate exec. Answered by `started` or `failed`.
    case release
    /// To the container's init, or the exec's process; with `all` to every process of the container's cgroup.
    case signal(number: Int32, all: Bool)
    case resize(rows: UInt16, columns: UInt16)
    /// Freeze and thaw the cgroup. Answered by `paused` and `resumed`.
    case pause
    case resume
    case update(RuntimeSpec.Resources)
    /// Give up before release: kill what waits at the gate and leave.
    case abandon
}

/// What a monitor says on every control connection; newline-delimited JSON. Readers ignore what they do not know.
package enum MonitorEvent: Codable, Hashable, Sendable {
    /// The protocol versions it speaks, and its own process.
    case hello(minimum: Int, maximum: Int, monitorPID: Int32)
    /// The process exists and waits at the gate. Told again before `started` when the process that began is another one: in a
    /// pid namespace that it joins it appears only then.
    case created(ProcessIdentity)
    /// exec worked. Nanoseconds since 1970.
    case started(at: Int64)
    /// The process could not be made or run; the monitor leaves.
    case failed(LaunchFailure)
    case paused
    case resumed
    case exited(ExitStatus)
    /// Where things stand, for a connection made later.
    case state(MonitorState)
    /// A command could not be carried out.
    case refused(command: String, reason: String)
}

/// A process, safe over the reuse of its number: pid, start time in clock ticks since boot (proc_pid_stat(5), field 22), boot.
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

/// `state.json`: replaced at every change.
package struct MonitorState: Codable, Hashable, Sendable {
    package enum Phase: String, Codable, Hashable, Sendable { case creating, created, running, paused, exited }

    package var phase: Phase
    package var process: ProcessIdentity?
    /// Nanoseconds since 1970.
    package var startedAt: Int64?
    package var exit: ExitStatus?
    /// Absolute paths of the container's cgroups: one on v2, one for each controller on v1.
    package var cgroups: [String]
    /// Set when the process could not be made or run: `phase` is then `exited`, with no `exit`.
    package var failure: LaunchFailure?
    /// What this host lacked and the container does without, for a person.
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
    /// As a shell tells it: the code, or 128 and the signal.
    package var code: Int
    package var signal: Int32?
    /// The kernel's memory killer ended something in the container.
    package var isOutOfMemory: Bool
    /// It was refused a process or a thread, having as many as `pids.max` allows; nil where nothing tells.
    package var wasRefusedProcesses: Bool?
    /// Nanoseconds since 1970.
    package var at: Int64
    /// An exec that was ended because its time was up.
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

/// Why a process could not be made or run.
package struct LaunchFailure: Codable, Error, Hashable, Sendable, CustomStringConvertible {
    /// The step that failed, in words: "mount /data", "exec".
    package var step: String
    /// errno; 0 when no system call failed.
    package var errno: Int32
    /// For a person: `exec "nosuch": executable file not found in $PATH`.
    package var message: String
    /// What a shell would give: 126 or 127 for exec, else 125.
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
    /// Descriptors that the engine hands over: control, and for an exec the stream of `StreamFrame`s (absent when detached).
    package static let controlDescriptor: Int32 = 3
    package static let streamDescriptor: Int32 = 4
}
