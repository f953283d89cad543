import Images
import Linux
import OCI
import Testing

/// Archives that end before the end that tar asks for.
@Suite(.enabled(if: isPrivileged)) struct UnfinishedTarTests {
    /// A small file, then one of `size` bytes; the archive ends with its last byte.
    private static func bare(_ size: Int) -> [UInt8] {
        var tar = TarWriter()
        tar.file("first", "1")
        tar.add("last", data: content(size))
        return Array(tar.bytes.prefix(1024 + 512 + size))
    }

    private static func content(_ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: $0 % 251 + 1) } }

    @Test(
        "a layer may end right after its last file's bytes, without padding and end blocks",
        arguments: [0, 1, 225, 511, 512, 513, 1024, 131_072 + 225, 300_000])
    func bareEnd(size: Int) async throws {
        try await withStore { store, _ in
            let archive = Self.bare(size)
            for (name, bytes) in [("plain", archive), ("gzip", try run("/bin/gzip", ["-c"], input: archive))] {
                let image = try await store.importArchive(from: stream(bytes), reference: Reference(name))
                #expect(image.config.rootfs.diffIDs == [digest(of: archive)])
                let root = try await store.snapshot(for: image).lower[0]
                #expect(try readFile("\(root)/last") == Self.content(size))
                #expect(try readText("\(root)/first") == "1")
            }
        }
    }

    @Test(
        "a layer whose end is a part of the padding or of the end blocks is whole",
        arguments: [1, 100, 511, 512, 513, 1000, 1023, 1024])
    func partOfEnd(extra: Int) async throws {
        let whole = TarWriter.archive { $0.add("last", data: Self.content(225)) }
        let end = 512 + 225 + extra
        try await withStore { store, _ in
            let image = try await store.importArchive(
                from: stream(Array(whole.prefix(min(end, whole.count)))), reference: Reference("x"))
            let root = try await store.snapshot(for: image).lower[0]
            #expect(try readFile("\(root)/last") == Self.content(225))
        }
    }

    @Test(
        "a file that is cut short is an error, however little is missing",
        arguments: [
            (225, 1), (225, 100), (225, 225), (513, 1), (513, 2), (512, 1), (131_072 + 225, 1), (300_000, 299_000),
        ])
    func cutFile(size: Int, missing: Int) async throws {
        try await withStore { store, _ in
            await #expect(throws: ImageError.self) {
                try await store.importArchive(
                    from: stream(Self.bare(size).dropLast(missing)), reference: Reference("x"))
            }
        }
    }

    @Test("so is a header that is cut short, and a file that nobody reads", arguments: [1300, 1424, 1525, 1530])
    func cutHeader(length: Int) async throws {
        try await withStore { store, _ in
            await #expect(throws: ImageError.self) {
                try await store.importArchive(
                    from: stream(Array(Self.bare(10).prefix(length))), reference: Reference("x"))
            }
        }
        var tar = TarWriter()
        tar.file("first", "1")
        tar.add(".wh.gone", data: Self.content(10))
        let unread = Array(tar.bytes.prefix(1024 + 512 + 5))
        try await withStore { store, _ in
            await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(unread), reference: Reference("x"))
            }
        }
    }
}

private func stream(_ bytes: ArraySlice<UInt8>) -> ImageInput { stream(Array(bytes)) }
