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
