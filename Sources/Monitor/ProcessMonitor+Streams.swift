import AttachStream
import CLinux
import Glibc
import Linux
import OCI
import Runtime

/// The ends of a process's streams: those for the process, and those that stay here.
struct ProcessStreams: ~Copyable {
    let standard: StandardStreams
    var input: OwnedFD?
    var output: OwnedFD?
    var error: OwnedFD?
    private var childEnds: [CInt] = []

    /// Creates pipes, or nothing for a terminal, which the process opens itself.
    init(_ spec: MonitorSpec) throws(SyscallError) {
        let process = spec.process
        if spec.terminal {
            let size = process?.consoleSize
            standard = .terminal(rows: size?.height ?? 0, columns: size?.width ?? 0)
            return
        }
        let owner = spec.hostOwner
        let inputEnd: CInt
        if spec.stdin {
            var pipe = try DescriptorPair.pipe()
            inputEnd = pipe.takeFirst().release()
            input = pipe.takeSecond()
            if let raw = input?.raw { try UnixSocket.setNonblocking(raw) }
            fchown(inputEnd, owner.uid, owner.gid)
        } else {
            inputEnd = try openFile("/dev/null", O_RDONLY).release()
        }
        childEnds.append(inputEnd)
        var ends: [CInt] = []
        for isError in [false, true] {
            var pipe = try DescriptorPair.pipe()
            let end = pipe.takeSecond().release()
            childEnds.append(end)
            ends.append(end)
            // A program that opens /dev/stdout by name needs to be the pipe's owner.
            fchown(end, owner.uid, owner.gid)
            let reading = pipe.takeFirst()
            try UnixSocket.setNonblocking(reading.raw)
            if isError { error = consume reading } else { output = consume reading }
        }
        standard = .descriptors(input: inputEnd, output: ends[0], error: ends[1])
    }

    deinit { for end in childEnds { close(end) } }

    /// Closes the ends of the process, which has its own copies by now.
    mutating func closeChildEnds() {
        for end in childEnds { close(end) }
        childEnds = []
    }
}

extension MonitorSpec {
    var process: RuntimeSpec.Process? {
        switch kind {
        case .container(let container): container.spec.process
        case .exec(let exec): exec.process
        }
    }

    /// The process's user and group ids on the host.
    var hostOwner: (uid: UInt32, gid: UInt32) {
        let user = process?.user ?? RuntimeSpec.User()
        guard case .container(let container) = kind, let linux = container.spec.linux else {
            return (user.uid, user.gid)
        }
        func host(_ id: UInt32, _ mappings: [RuntimeSpec.IDMapping]?) -> UInt32 {
            let mapping = mappings?.first { $0.containerID <= id && id - $0.containerID < $0.size }
            return mapping.map { $0.hostID + (id - $0.containerID) } ?? id
        }
        return (host(user.uid, linux.uidMappings), host(user.gid, linux.gidMappings))
    }
}

extension ProcessMonitor {
    /// Starts to read the process's output, and to pass attached input to it.
    func openStreams(_ streams: inout ProcessStreams) throws(SyscallError) {
        if let terminal {
            try addOutput(try terminal.descriptor.duplicate(), .stdout)
            input = InputFeed(loop, try terminal.descriptor.duplicate())
        } else {
            if let output = streams.output.take() { try addOutput(output, .stdout) }
            if let error = streams.error.take() { try addOutput(error, .stderr) }
            if let end = streams.input.take() { input = InputFeed(loop, end) }
        }
        input?.onFull = { [unowned self] in attach.holdInput($0) }
    }

    /// Continues with streams that an earlier image opened.
    func takeStreams(_ handover: borrowing Handover) throws(SyscallError) {
        if handover.terminal.count == 2 {
            terminal = Terminal(
                OwnedFD(owning: handover.terminal[0]), peer: OwnedFD(owning: handover.terminal[1]))
        }
        for (descriptor, stream) in handover.outputs { try addOutput(OwnedFD(owning: descriptor), stream) }
        if let descriptor = handover.input { input = InputFeed(loop, OwnedFD(owning: descriptor)) }
        input?.onFull = { [unowned self] in attach.holdInput($0) }
    }

    private func addOutput(_ source: consuming OwnedFD, _ stream: LogWriter.Stream) throws(SyscallError) {
        let reader = try OutputReader(loop, source, stream) { [unowned self] bytes, stream in deliver(bytes, stream) }
        outputs.append(reader)
    }

    private func deliver(_ bytes: ArraySlice<UInt8>, _ stream: LogWriter.Stream) {
        log?.add(bytes, from: stream)
        if !attach.isEmpty {
            attach.broadcast(StreamFrame(stream == .stdout ? .stdout : .stderr, Array(bytes)))
        }
        holdOutputs()
    }

    /// Blocks the process while a client is behind, or a blocking log has no space.
    func holdOutputs() {
        guard !isLeaving else { return }
        let isLogBlocked = log?.isBlocked == true
        let isHeld = attach.isBehind || isLogBlocked
        if isHeld != areOutputsHeld {
            areOutputsHeld = isHeld
            for output in outputs { output.hold(isHeld) }
        }
        if isLogBlocked {
            // There is no notification when a disk has space again.
            loop.setDeadline("log", milliseconds: 1000) { [unowned self] in
                log?.retry()
                holdOutputs()
            }
        }
    }

    /// Handles a frame from an attached client.
    func handle(_ frame: StreamFrame) {
        switch frame.kind {
        case .stdin: input?.add(frame.payload)
        case .stdinEnd:
            var isExec = false
            if case .exec = spec.kind { isExec = true }
            // A terminal's input has no end, and other clients may still send some.
            if !spec.terminal, isExec || spec.stdinOnce { input?.end() }
        case .resize where frame.payload.count == 4:
            let size = frame.payload.map(UInt16.init)
            terminal?.resize(rows: size[0] << 8 | size[1], columns: size[2] << 8 | size[3])
        case .signal where frame.payload.count == 1:
            try? child?.launch.handle.signal(CInt(frame.payload[0]))
        default: break
        }
    }
}
