import Glibc
import Linux

/// A pipe whose content is read when the writer is done; small texts only.
final class Pipe {
    private let ends: [CInt]
    private var readingIsOpen = true
    private var writingIsOpen = true

    init() throws {
        var ends: [CInt] = [-1, -1]
        try syscall("pipe", on: "test") { pipe(&ends) }
        self.ends = ends
    }

    deinit {
        closeReading()
        closeWriting()
    }

    var writing: CInt { ends[1] }

    func content() throws -> String {
        closeWriting()
        var bytes: [UInt8] = []
        while true {
            let more = try readDescriptor(ends[0])
            if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += more
        }
    }

    func closeReading() {
        if readingIsOpen { close(ends[0]) }
        readingIsOpen = false
    }

    private func closeWriting() {
        if writingIsOpen { close(ends[1]) }
        writingIsOpen = false
    }
}
