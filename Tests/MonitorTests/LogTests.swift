import CLinux
import Glibc
import JSON
import Linux
import Monitor
import Testing

@Suite struct LogTests {
    private func texts(_ path: String) throws -> [String] {
        try readText(path, limit: 64 << 20).split(separator: "\n").map {
            try #require(try JSONValue(parsing: String($0))["log"]?.string)
        }
    }

    @Test func linesAreRecordsAndLongOnesAreCut() throws {
        try withFolder { folder in
            let path = "\(folder)/log"
            let writer = LogWriter(MonitorSpec.LogFile(path: path))
            writer.add(Array("one\ntw".utf8), from: .stdout)
            writer.add(Array("other\n".utf8), from: .stderr)
            writer.add(Array("o\n\"\\\t\u{1}é\n".utf8), from: .stdout)
            writer.add([UInt8](repeating: 0x61, count: 40_000), from: .stdout)
            writer.finish()
            let found = try texts(path)
            #expect(found.prefix(4) == ["one\n", "other\n", "two\n", "\"\\\t\u{1}é\n"])
            #expect(found.dropFirst(4).map(\.utf8.count) == [16_384, 16_384, 7232])
        }
    }

    @Test func aLongLineIsNotCutWithinACharacter() throws {
        try withFolder { folder in
            let writer = LogWriter(MonitorSpec.LogFile(path: "\(folder)/log"))
            writer.add(Array((String(repeating: "a", count: 16_383) + "é\n").utf8), from: .stdout)
            writer.finish()
            let found = try texts("\(folder)/log")
            #expect(found.map(\.utf8.count) == [16_383, 3])
        }
    }

    @Test func whatIsNotTextIsRepaired() throws {
        try withFolder { folder in
            let writer = LogWriter(MonitorSpec.LogFile(path: "\(folder)/log"))
            writer.add([0x61, 0xFF, 0x62, 0x0A], from: .stdout)
            let found = try texts("\(folder)/log")
            #expect(found == ["a\u{FFFD}b\n"])
        }
    }

    @Test func filesAreRotatedAndBounded() throws {
        try withFolder { folder in
            let path = "\(folder)/log"
            let writer = LogWriter(MonitorSpec.LogFile(path: path, maximumSize: 2000, maximumFiles: 3))
            for number in 0..<100 { writer.add(Array("line \(number)\n".utf8), from: .stdout) }
            writer.finish()
            #expect(try folderEntries(folder) == ["log", "log.1", "log.2"])
            let all = try texts("\(path).2") + texts("\(path).1") + texts(path)
            #expect(all.last == "line 99\n")
            #expect(all == (100 - all.count..<100).map { "line \($0)\n" })
            for name in try folderEntries(folder) { #expect(try readFile("\(folder)/\(name)").count <= 2000) }
        }
    }

    @Test func halfARecordOfAnEarlierLifeSpoilsNothing() throws {
        try withFolder { folder in
            try writeFileAtomically("\(folder)/log", "{\"log\":\"cut o".utf8)
            let writer = LogWriter(MonitorSpec.LogFile(path: "\(folder)/log"))
            writer.add(Array("whole\n".utf8), from: .stdout)
            let lines = try readText("\(folder)/log").split(separator: "\n")
            #expect(lines.count == 2)
            #expect(try JSONValue(parsing: String(lines[1]))["log"] == "whole\n")
        }
    }

    @Test(.enabled(if: geteuid() == 0), arguments: [false, true])
    func aFullDiskLosesLinesOpenlyOrHoldsTheWriterBack(isBlocking: Bool) throws {
        try withFolder { folder in
            let disk = "\(folder)/disk"
            try makeFolders(disk)
            try #require(mountSmall(disk))
            defer { _ = berth_umount2(disk, 2) }
            let ballast = try openFile("\(disk)/ballast", O_RDWR | O_CREAT)
            let writer = LogWriter(MonitorSpec.LogFile(path: "\(disk)/log", isBlocking: isBlocking))
            writer.add(Array("first\n".utf8), from: .stdout)
            while write(ballast.raw, [UInt8](repeating: 0, count: 4096), 4096) > 0 {}
            let long = Array((String(repeating: "x", count: 6000) + "\n").utf8)
            writer.add(long, from: .stdout)
            #expect(writer.isBlocked == isBlocking)
            if !isBlocking { writer.add(long, from: .stdout) }
            ftruncate(ballast.raw, 0)
            writer.retry()
            writer.add(Array("last\n".utf8), from: .stdout)
            let found = try texts("\(disk)/log")
            #expect(found.first == "first\n" && found.last == "last\n" && found.count == 3)
            #expect(
                isBlocking
                    ? found[1].utf8.count == 6001 : found[1] == "berth: 2 lines lost: No space left on device\n")
        }
    }

    @Test func theTimeIsWrittenAsRFC3339() {
        #expect(Clock.rfc3339(0) == "1970-01-01T00:00:00Z")
        #expect(Clock.rfc3339(1_709_164_800_000_000_001) == "2024-02-29T00:00:00.000000001Z")
        #expect(Clock.rfc3339(4_102_444_799_120_000_000) == "2099-12-31T23:59:59.12Z")
        #expect(Clock.rfc3339(-1_000_000_000) == "1969-12-31T23:59:59Z")
    }

    @Test func messagesKeepTheirForm() throws {
        // A monitor lives as long as its container: these bytes are what others of it will read and write.
        let commands: [(MonitorCommand, String)] = [
            (.release, #"{"release":{}}"#), (.signal(number: 15, all: false), #"{"signal":{"number":15,"all":false}}"#),
            (.resize(rows: 1, columns: 2), #"{"resize":{"rows":1,"columns":2}}"#), (.pause, #"{"pause":{}}"#),
            (.resume, #"{"resume":{}}"#), (.abandon, #"{"abandon":{}}"#),
        ]
        for (command, text) in commands {
            #expect(String(decoding: try encodeJSON(command), as: UTF8.self) == text)
            #expect(try decodeJSON(MonitorCommand.self, from: text.utf8) == command)
        }
        let exit = MonitorEvent.exited(Monitor.ExitStatus(code: 137, signal: 9, isOutOfMemory: true, at: 5))
        let text = #"{"exited":{"_0":{"code":137,"signal":9,"isOutOfMemory":true,"at":5,"isTimeout":false}}}"#
        #expect(String(decoding: try encodeJSON(exit), as: UTF8.self) == text)
        let event = try decodeJSON(MonitorEvent.self, from: text.replacing("\"at\"", with: "\"new\":1,\"at\"").utf8)
        #expect(event == exit)
    }

    private func mountSmall(_ folder: String) -> Bool { berth_mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0 }
}
