import Glibc
import Images
import Linux
import Testing

struct UserCase: Sendable {
    let text: String
    var groups: [String] = []
    let expected: ContainerUser
}

@Suite struct UserLookupTests {
    private func withFiles(_ body: (String, String) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try makeFolders("\(folder)/lower/etc")
            try makeFolders("\(folder)/upper/etc")
            let passwd =
                "root:x:0:0:root:/root:/bin/sh\nbroken\npostgres:x:999:998::/var/lib/pg:/bin/sh\n42:x:7:8::/n:\n"
            try writeFileAtomically("\(folder)/lower/etc/passwd", passwd.utf8)
            let group = "root:x:0:\nstaff:x:50:postgres,other\nwheel:x:10:postgres\n"
            try writeFileAtomically("\(folder)/lower/etc/group", group.utf8)
            try body("\(folder)/lower", "\(folder)/upper")
        }
    }

    @Test(arguments: [
        UserCase(text: "", expected: .init(uid: 0, gid: 0, additionalGids: [], home: "/root")),
        .init(text: "postgres", expected: .init(uid: 999, gid: 998, additionalGids: [50, 10], home: "/var/lib/pg")),
        .init(text: "999", expected: .init(uid: 999, gid: 998, additionalGids: [50, 10], home: "/var/lib/pg")),
        .init(text: "postgres:staff", expected: .init(uid: 999, gid: 50, additionalGids: [], home: "/var/lib/pg")),
        .init(text: "1000", expected: .init(uid: 1000, gid: 0, additionalGids: [], home: "/")),
        .init(text: "1000:1001", expected: .init(uid: 1000, gid: 1001, additionalGids: [], home: "/")),
        .init(text: "42", expected: .init(uid: 7, gid: 8, additionalGids: [], home: "/n")),
        .init(
            text: "0", groups: ["wheel", "77"],
            expected: .init(uid: 0, gid: 0, additionalGids: [10, 77], home: "/root")),
    ])
    func aUserIsFoundAsDockerFindsIt(_ the: UserCase) async throws {
        try await withFiles { lower, _ in
            let user = try lookUpUser(the.text, groups: the.groups, in: [lower])
            #expect(user == the.expected)
        }
    }

    @Test(arguments: [
        ("nobody", [], "unable to find user nobody: no matching entries in passwd file"),
        ("root:nogroup", [], "unable to find group nogroup: no matching entries in group file"),
        ("0", ["nogroup"], "unable to find group nogroup: no matching entries in group file"),
        ("4294967295", [], "4294967295: uids and gids must be in range 0-2147483647"),
    ])
    func anUnknownUserIsNamed(_ text: String, _ groups: [String], _ message: String) async throws {
        try await withFiles { lower, _ in
            let error = #expect(throws: UserLookupError.self) { try lookUpUser(text, groups: groups, in: [lower]) }
            #expect(error?.description == message)
        }
    }

    @Test func theContainersOwnChangesComeFirst() async throws {
        try await withFiles { lower, upper in
            try writeFileAtomically("\(upper)/etc/passwd", "new:x:5:6::/h:\n".utf8)
            #expect(try lookUpUser("new", in: [lower], upper: upper).uid == 5)
            #expect(throws: UserLookupError.self) { try lookUpUser("postgres", in: [lower], upper: upper) }
        }
    }

    @Test func aLinkStaysInsideTheImage() async throws {
        try await withFiles { lower, _ in
            try removeTree("\(lower)/etc/passwd")
            try makeFolders("\(lower)/usr/etc")
            try writeFileAtomically("\(lower)/usr/etc/passwd", "inside:x:3:3::/:\n".utf8)
            symlink("/usr/../../../usr/etc/passwd", "\(lower)/etc/passwd")
            #expect(try lookUpUser("inside", in: [lower]).uid == 3)
        }
    }

    @Test func aFifoIsNotWaitedFor() async throws {
        try await withFiles { lower, _ in
            try removeTree("\(lower)/etc/passwd")
            mkfifo("\(lower)/etc/passwd", 0o600)
            #expect(try lookUpUser("5", in: [lower]).uid == 5)
        }
    }

    @Test(arguments: ["passwd", "group"], [Int64(16 << 20) + 1, 10 << 30])
    func aFileThatIsTooLargeIsNamedAndNotRead(_ name: String, _ size: Int64) async throws {
        try await withFiles { lower, _ in
            truncate("\(lower)/etc/\(name)", Int(size))
            let error = #expect(throws: UserLookupError.self) { try lookUpUser("postgres", in: [lower]) }
            #expect(error?.description.hasPrefix("the image's /etc/\(name) is larger than 16 MiB") == true)
        }
    }

    @Test func linesAreFoundWhereverTheyBegin() async throws {
        try await withFiles { lower, _ in
            // Around the 64 KiB that are read at once, and with a last line that does not end.
            for filler in 65_500...65_540 {
                let comment = String(repeating: "#", count: filler)
                try writeFileAtomically(
                    "\(lower)/etc/passwd", "\(comment)\nlate:x:12:34::/late:\nlast:x:1:2::/last".utf8)
                let members = String(repeating: "x", count: filler) + ",late"
                try writeFileAtomically("\(lower)/etc/group", "\(comment)\nmany:x:56:\(members)\nend:x:78:late".utf8)
                #expect(
                    try lookUpUser("late", in: [lower])
                        == .init(uid: 12, gid: 34, additionalGids: [56, 78], home: "/late"))
                #expect(try lookUpUser("last:end", in: [lower]).gid == 78)
            }
        }
    }
}
