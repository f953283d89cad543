import Glibc
import Images
import Linux
import OCI
import Testing

/// The engine's program as this build made it; a test run that did not build it skips what needs it.
private let engine =
    "\(#filePath.prefix(#filePath.count - "Tests/ImagesTests/CommitLayerTests.swift".count)).build/debug/berthd"

/// What changes in a folder become a layer.
@Suite(.enabled(if: isPrivileged)) struct CommitLayerTests {
    /// A folder's entries as lines: path, kind and mode, owner, size or target, links, attributes.
    private func tree(_ root: String, _ path: String = "") throws -> [String] {
        var lines: [String] = []
        for name in try folderEntries("\(root)/\(path)") {
            let whole = path.isEmpty ? name : "\(path)/\(name)"
            var status = stat()
            lstat("\(root)/\(whole)", &status)
            var line = "\(whole) \(String(status.st_mode, radix: 8)) \(status.st_uid):\(status.st_gid)"
            let isWhiteout = status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
            if !isWhiteout { line += " \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)" }
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                let file = try openFile("\(root)/\(whole)", O_RDONLY)
                line += " \(status.st_size) \(digest(of: try file.readToEnd()).short) links \(status.st_nlink)"
                for attribute in try file.attributeNames() { line += " \(attribute)" }
            case S_IFLNK:
                line +=
                    " -> \(try openFile(root, O_RDONLY).openInRoot(path.isEmpty ? "." : path, O_RDONLY).linkTarget(of: name) ?? "")"
            case S_IFDIR:
                if try openFile("\(root)/\(whole)", O_RDONLY).attribute("trusted.overlay.opaque") != nil {
                    line += " opaque"
                }
            default: line += " \(status.st_rdev)"
            }
            lines.append(line)
            if status.st_mode & S_IFMT == S_IFDIR { lines += try tree(root, whole) }
        }
        return lines
    }

    /// All that a layer can hold.
    private func fill(_ root: String) throws {
        try makeFolders("\(root)/a/hidden")
        try makeFolders("\(root)/\(String(repeating: "long/", count: 30))end")
        func file(_ path: String, _ text: String, _ mode: mode_t = 0o644) throws {
            try writeFileAtomically("\(root)/\(path)", Array(text.utf8))
            chmod("\(root)/\(path)", mode)
        }
        try file("a/plain", "text")
        try file("a/setuid", "x", 0o4755)
        try file("a/ümlaut und leer zeichen", "ü")
        try file("\(String(repeating: "long/", count: 30))end/\(String(repeating: "n", count: 200))", "deep")
        chown("\(root)/a/setuid", 4_000_000, 5)
        chmod("\(root)/a/setuid", 0o4755)
        link("\(root)/a/plain", "\(root)/z-other-name")
        symlink("/etc/\(String(repeating: "x", count: 150))", "\(root)/link")
        mkfifo("\(root)/fifo", 0o600)
        mknod("\(root)/null", S_IFCHR | 0o666, 0x103)
        mknod("\(root)/gone", S_IFCHR, 0)
        try openFile("\(root)/a/hidden", O_RDONLY).setAttribute("trusted.overlay.opaque", [UInt8(ascii: "y")])
        try openFile("\(root)/a/plain", O_RDONLY).setAttribute("user.note", Array("hello".utf8))
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        try openFile("\(root)/a/setuid", O_RDONLY).setAttribute("security.capability", capability)
        let sparse = try openFile("\(root)/sparse", O_RDWR | O_CREAT, mode: 0o644)
        try sparse.setLength(40 << 20)
        try "begin".utf8.withContiguousStorageIfAvailable { try sparse.write(UnsafeRawBufferPointer($0), at: 0) }
        try "middle".utf8.withContiguousStorageIfAvailable {
            try sparse.write(UnsafeRawBufferPointer($0), at: 20 << 20)
        }
    }

    private func store(_ folder: String, confined: Bool) throws -> ImageStore {
        try ImageStore(
            root: folder, blockingOn: BlockingPool(name: "test", limit: 4),
            unpackWorker: confined ? .process(program: engine) : .inProcess)
    }

    @Test("a layer holds all that was changed, and unpacked elsewhere it is the same tree", arguments: [false, true])
    func roundTrip(_ confined: Bool) async throws {
        guard !confined || fileExists(engine) else { return }
        try await withTemporaryFolder { folder in
            let store = try store("\(folder)/one", confined: confined)
            let upper = "\(folder)/one/upper"
            try makeFolders(upper)
            try fill(upper)
            let wanted = try tree(upper)
            let lease = await store.beginLease()
            let layer = try #require(try await store.commitLayer(upper: upper, above: [], in: lease))
            #expect(!fileExists(upper) && layer.blob.size < 2 << 20)
            #expect(try tree(await store.folders(of: [layer])[0]) == wanted)

            let image = try await store.store(
                [layer], ImageConfig(architecture: "amd64", rootfs: .init(diffIDs: [])), names: [Reference("made")],
                in: lease)
            await store.end(lease)
            #expect(try await store.resolve("made")?.id == image.id)
            let blob = "\(folder)/one/content/blobs/sha256/\(layer.blob.digest.hex)"
            let listed = String(decoding: try run("/bin/tar", ["tvf", blob]), as: UTF8.self)
            #expect(listed.contains(" a/plain") && listed.contains("z-other-name link to a/plain"))
            #expect(
                listed.contains(".wh.gone") && listed.contains("a/hidden/.wh..wh..opq") && listed.contains(" 41943040 ")
            )

            let other = try self.store("\(folder)/two", confined: false)
            let imported = try await other.importArchive(
                from: .descriptor(try openFile(blob, O_RDONLY).release()), reference: Reference("x"))
            #expect(imported.config.rootfs.diffIDs == [layer.diffID])
            #expect(try tree(await other.snapshot(for: imported).lower[0]) == wanted)
        }
    }

    @Test("the same tree gives the same layer, and with an epoch its times do not count")
    func deterministic() async throws {
        try await withTemporaryFolder { folder in
            let store = try store("\(folder)/s", confined: false)
            let lease = await store.beginLease()
            var made: [BuiltLayer?] = []
            for (index, names) in [["b", "a", "c"], ["c", "b", "a"]].enumerated() {
                let upper = "\(folder)/s/u\(index)"
                try makeFolders("\(upper)/d")
                for name in names { try writeFileAtomically("\(upper)/d/\(name)", Array(name.utf8)) }
                made.append(try await store.commitLayer(upper: upper, above: [], epoch: 1_000_000_000, in: lease))
            }
            #expect(made[0] != nil && made[0] == made[1])
        }
    }

    @Test("what the runtime made to mount on is no change, and no change is no layer")
    func mountPoints() async throws {
        try await withTemporaryFolder { folder in
            let store = try store("\(folder)/s", confined: false)
            let lease = await store.beginLease()
            func upper(_ name: String, folders: [String], files: [String: String]) throws -> String {
                let path = "\(folder)/s/\(name)"
                for folder in folders { try makeFolders("\(path)/\(folder)") }
                for (file, text) in files { try writeFileAtomically("\(path)/\(file)", Array(text.utf8)) }
                return path
            }
            let first = try upper("base", folders: ["etc"], files: ["etc/hosts": "own"])
            let base = try #require(try await store.commitLayer(upper: first, above: [], in: lease))
            let stubs = ["/etc/resolv.conf", "/etc/hosts", "/run/secrets/x", "/cache"]
            let nothing = try upper(
                "nothing", folders: ["etc", "run/secrets", "cache"],
                files: ["etc/resolv.conf": "", "run/secrets/x": ""])
            #expect(try await store.commitLayer(upper: nothing, above: [base], mountPoints: stubs, in: lease) == nil)
            let something = try upper(
                "something", folders: ["etc", "run/other"], files: ["etc/resolv.conf": "kept"])
            let layer = try #require(
                try await store.commitLayer(upper: something, above: [base], mountPoints: stubs, in: lease))
            let root = await store.folders(of: [base, layer])[0]
            #expect(fileExists("\(root)/etc/resolv.conf") && fileExists("\(root)/run/other"))
        }
    }

    @Test("what the build cache holds outlives a collection, and goes once it is let go")
    func retained() async throws {
        try await withTemporaryFolder { folder in
            let store = try store("\(folder)/s", confined: false)
            let lease = await store.beginLease()
            try makeFolders("\(folder)/s/u/d")
            let layer = try #require(try await store.commitLayer(upper: "\(folder)/s/u", above: [], in: lease))
            await store.retain([[layer]])
            await store.end(lease)
            let later = await store.beginLease()
            #expect(await store.hold([layer], in: later))
            await store.retain([])
            await store.end(later)
            let last = await store.beginLease()
            #expect(await store.hold([layer], in: last) == false)
        }
    }
}
