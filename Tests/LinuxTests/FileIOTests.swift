import Glibc
import Linux
import Testing

@Suite struct FileIOTests {
    @Test func aFileIsReplacedAsAWhole() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            try writeFileAtomically(path, "one".utf8, durable: true)
            try writeFileAtomically(path, "two".utf8)
            #expect(try readText(path) == "two")
            #expect(try folderEntries(folder) == ["a"])
        }
    }

    @Test func foldersAreMadeAndRemovedAsATree() throws {
        try withTemporaryFolder { folder in
            try makeFolders("\(folder)/a/b/c")
            try makeFolders("\(folder)/a/b/c")
            try writeFileAtomically("\(folder)/a/b/f", [])
            symlink("/", "\(folder)/a/link")
            try removeTree("\(folder)/a")
            #expect(!fileExists("\(folder)/a"))
            #expect(fileExists("/etc"))
        }
    }

    @Test func aTreeOfAnyDepthIsRemoved() throws {
        try withTemporaryFolder { folder in
            // Its path is 60,000 bytes long, far above what a call may be given, and it is deeper than there may be descriptors.
            try makeFolders("\(folder)/a/.berth-1")
            var place = try openFile("\(folder)/a", O_RDONLY | O_DIRECTORY)
            for level in 0..<3000 {
                try place.makeFolder("a-name-of-20-letters")
                if level % 10 == 0 { try place.makeSymbolicLink("link", to: "/") }
                place = try place.openEntry("a-name-of-20-letters", O_RDONLY | O_DIRECTORY)
            }
            try removeTree("\(folder)/a")
            #expect(!fileExists("\(folder)/a"))
            try removeTree("\(folder)/a")
        }
    }

    @Test func twoWritersOfOneFileDoNotMixTheirBytes() async throws {
        let folder = "/tmp/berth-writers-\(getpid())"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        let pool = BlockingPool(name: "writers", limit: 4)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    try await pool.run {
                        let text = String(repeating: "\(number % 10)", count: 1000 + number % 7 * 1000)
                        try writeFileAtomically("\(folder)/a", text.utf8)
                    }
                }
            }
            try await group.waitForAll()
        }
        let text = try readText("\(folder)/a")
        #expect(Set(text).count == 1 && text.count % 1000 == 0)
        #expect(try folderEntries(folder) == ["a"])
    }

    @Test func aFailureNamesCallObjectAndReason() {
        let error = #expect(throws: SyscallError.self) { try readFile("/nonexistent/file") }
        #expect(error?.description == "open /nonexistent/file: No such file or directory")
    }

    @Test func aPoolRunsMoreWorkThanItHasThreads() async throws {
        let pool = BlockingPool(name: "test", limit: 2)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...50 {
                group.addTask {
                    try await pool.run {
                        usleep(100)
                        return number
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 1275)
    }

    @Test("a file that is too large to be read is an error, not its beginning")
    func tooLarge() throws {
        let path = "/tmp/berth-large-\(getpid())"
        try writeFileAtomically(path, Array("0123456789".utf8))
        defer { unlink(path) }
        #expect(try readFile(path, limit: 10).count == 10)
        #expect(throws: SyscallError(call: "read", object: path, code: .tooLarge)) { try readFile(path, limit: 9) }
        #expect(try openFile(path, O_RDONLY).readBeginning(9).count == 9)
        #expect(try openFile(path, O_RDONLY).readBeginning(99).count == 10)
    }

    @Test(
        "paths are read by bytes",
        arguments: [
            ("/a//b/", ["a", "b"]), ("a/\u{301}b", ["a", "\u{301}b"]), ("..\u{2f}\u{200d}x", ["..", "\u{200d}x"]),
            ("", []),
        ])
    func parts(path: String, parts: [String]) {
        #expect(path.pathParts.map { Array($0.utf8) } == parts.map { Array($0.utf8) })
        #expect(path.pathParts.last == (path.utf8.last == 0x2F ? parts.last : parts.isEmpty ? nil : path.lastPathPart))
    }

    @Test func marksDoNotHideASlash() {
        #expect("/\u{301}".isAbsolutePath && "a/\u{301}".hasSlash && "/\u{301}b".hasBytePrefix("/"))
        #expect(!"e\u{301}".hasSameBytes(as: "\u{e9}"))
        #expect(".wh.\u{301}a".droppingBytePrefix(".wh.") == "\u{301}a")
    }
}

private func withTemporaryFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/berth-test-XXXXXX".utf8CString)
    let path = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    let folder = try #require(path)
    defer { try? removeTree(folder) }
    try body(folder)
}
