import Glibc
import Linux

/// Writes a container's output to files of json-file lines: `{"log":"…\n","stream":"stdout","time":"…"}`.
///
/// The current file is `path`, older ones are `path.1`, `path.2` …; together they hold `maximumSize * maximumFiles`
/// bytes.
package final class LogWriter {
    package enum Stream: String, Sendable {
        case stdout = "stdout"
        case stderr = "stderr"
    }

    private let target: MonitorSpec.LogFile
    private var file: OwnedFD?
    private var size: Int64 = 0
    private var buffer: [UInt8] = []
    private var bufferedRecords = 0
    private var splitters: [Stream: LineSplitter] = [.stdout: LineSplitter(), .stderr: LineSplitter()]
    /// The number of records lost since the last successful write.
    private var lost = 0
    private var lostReason = Errno.noSpace

    /// Output is blocked (`isBlocking`) until `retry` succeeds.
    package private(set) var isBlocked = false

    /// Opens the file for appending. If that fails, each write tries again.
    package init(_ target: MonitorSpec.LogFile) {
        self.target = target
        try? open()
    }

    /// Adds bytes of a stream.
    package func add(_ bytes: some Collection<UInt8>, from stream: Stream) {
        let time = Clock.rfc3339(Clock.now())
        var splitter = splitters[stream] ?? LineSplitter()
        splitter.add(bytes) { append($0, stream, time) }
        splitters[stream] = splitter
        flush()
    }

    /// Call this at the end of the streams: writes the rest without a newline.
    package func finish() {
        let time = Clock.rfc3339(Clock.now())
        for stream in [Stream.stdout, .stderr] {
            var splitter = splitters[stream] ?? LineSplitter()
            splitter.finish { append($0, stream, time) }
            splitters[stream] = splitter
        }
        flush()
    }

    /// Whether everything has been written.
    package var isIdle: Bool { buffer.isEmpty && lost == 0 && splitters.values.allSatisfy(\.isEmpty) }

    /// Tries to write the buffered records.
    package func retry() { flush() }

    private func append(_ record: ArraySlice<UInt8>, _ stream: Stream, _ time: String) {
        var line: [UInt8] = Array("{\"log\":\"".utf8)
        JSONText.append(record, to: &line)
        line.append(contentsOf: "\",\"stream\":\"\(stream.rawValue)\",\"time\":\"\(time)\"}\n".utf8)
        if size + Int64(buffer.count + line.count) > target.maximumSize, size + Int64(buffer.count) > 0 {
            flush()
            if !isBlocked { rotate() }
        }
        buffer.append(contentsOf: line)
        bufferedRecords += 1
    }

    private func flush() {
        guard !buffer.isEmpty else { return }
        do throws(SyscallError) {
            try writeBuffer()
            isBlocked = false
        } catch {
            if target.isBlocking {
                isBlocked = true
                return
            }
            // The disk is full: delete our own oldest output first, then drop this.
            dropOldest()
            do throws(SyscallError) {
                try writeBuffer()
            } catch {
                lost += bufferedRecords
                lostReason = error.code
            }
        }
        buffer.removeAll(keepingCapacity: buffer.count <= 1 << 18)
        bufferedRecords = 0
    }

    private func writeBuffer() throws(SyscallError) {
        if file == nil { try open() }
        try write(lost > 0 ? lossRecord() + buffer : buffer)
        lost = 0
    }

    private func lossRecord() -> [UInt8] {
        let time = Clock.rfc3339(Clock.now())
        let text = "berth: \(lost) lines lost: \(lostReason)\\n"
        return Array("{\"log\":\"\(text)\",\"stream\":\"stderr\",\"time\":\"\(time)\"}\n".utf8)
    }

    /// Writes all of `bytes` or nothing, because half a record would damage the next one.
    private func write(_ bytes: [UInt8]) throws(SyscallError) {
        guard let descriptor = file?.raw else {
            throw SyscallError(call: "open", object: target.path, code: .notFound)
        }
        var done = 0
        do throws(SyscallError) {
            while done < bytes.count {
                done += try syscall("write", on: target.path) {
                    bytes.withUnsafeBytes {
                        Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
                    }
                }
            }
        } catch {
            ftruncate(descriptor, off_t(size))
            throw error
        }
        size += Int64(bytes.count)
    }

    private func open() throws(SyscallError) {
        let opened = try openFile(target.path, O_RDWR | O_APPEND | O_CREAT, mode: 0o640)
        var status = stat()
        try syscall("fstat", on: target.path) { fstat(opened.raw, &status) }
        size = Int64(status.st_size)
        var last: UInt8 = 0x0A
        if size > 0 { pread(opened.raw, &last, 1, off_t(size - 1)) }
        file = consume opened
        // A power failure may have left half a record.
        if last != 0x0A { try write([0x0A]) }
    }

    /// Renames `path` to the newest of the older files, and begins a new one.
    private func rotate() {
        guard target.maximumFiles > 1 else {
            if let descriptor = file?.raw { ftruncate(descriptor, 0) }
            size = 0
            return
        }
        unlink("\(target.path).\(target.maximumFiles - 1)")
        for number in stride(from: target.maximumFiles - 2, through: 1, by: -1) {
            rename("\(target.path).\(number)", "\(target.path).\(number + 1)")
        }
        rename(target.path, "\(target.path).1")
        file = nil
        size = 0
        try? open()
    }

    private func dropOldest() {
        for number in stride(from: target.maximumFiles, through: 1, by: -1) {
            if unlink("\(target.path).\(number)") == 0 { return }
        }
    }
}
