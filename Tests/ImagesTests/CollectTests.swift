import Glibc
import Images
import Linux
import OCI
import Testing

@Suite(.enabled(if: isPrivileged)) struct CollectTests {
    /// A store with `base:1` and `top:1`, which shares base's layer.
    private func withImages(_ body: (ImageStore, String, _ base: Image, _ top: Image) async throws -> Void) async throws
    {
        let archive = try ArchiveBuilder.archive([
            ArchiveBuilder(layers: [baseLayer], tags: ["base:1"]),
            ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["top:1"]),
        ])
        try await withStore { store, folder in
            let loaded = try await store.load(from: stream(archive))
            try await body(store, "\(folder)/store", loaded[0].image, loaded[1].image)
        }
    }

    @Test func anImageGoesWithItsLastNameAndSharedLayersStay() async throws {
        try await withImages { store, root, base, top in
            try await store.tag("top:1", as: Reference("other"))
            #expect(try await store.remove("top:1") == [.untagged(try Reference("top:1"))])
            let removed = try await store.remove("other")
            #expect(removed == [.untagged(try Reference("other")), .deleted(top.id)])
            #expect(try folderEntries("\(root)/snapshots") == [base.chainIDs[0].hex, "empty"].sorted())
            let blobs = Set(try folderEntries("\(root)/content/blobs/sha256"))
            #expect(blobs == [base.id.hex, base.manifestDigest.hex, base.layers[0].digest.hex])
            #expect(try await store.snapshot(for: base).lower.count == 1)
        }
    }

    @Test func anImageInUseIsNotRemoved() async throws {
        try await withImages { store, root, _, top in
            let error = await #expect(throws: ImageError.self) { try await store.remove("top:1", inUse: [top.id]) }
            expectText(error, has: "cannot remove image top:1: a container uses it")
            let removed = try await store.remove("top:1", force: true, inUse: [top.id])
            #expect(removed == [.untagged(try Reference("top:1"))])
            #expect(try await store.collectGarbage(keeping: [top.id]).images == [])
            #expect(try await store.resolve("\(top.id)") == top)
            #expect(try await store.collectGarbage(keeping: []).images == [.deleted(top.id)])
            #expect(try await store.resolve("\(top.id)") == nil)
            #expect(try folderEntries("\(root)/snapshots").count == 2)
        }
    }

    @Test func aDigestIsNotAName() async throws {
        try await withImages { store, _, base, _ in
            let name = try Reference("base@\(base.id)")
            let error = await #expect(throws: ImageError.self) { try await store.tag("base:1", as: name) }
            expectText(error, has: "the digest comes from the content, so name it without @sha256:…")
        }
    }

    @Test func anIDWithSeveralNamesNeedsForce() async throws {
        try await withImages { store, _, base, _ in
            try await store.tag("base:1", as: Reference("base:2"))
            let error = await #expect(throws: ImageError.self) { try await store.remove(base.id.short) }
            expectText(error, has: "it has several names (base:1, base:2)")
            let removed = try await store.remove(base.id.short, force: true)
            #expect(removed.last == .deleted(base.id))
        }
    }

    @Test func whatIsNotThereCannotBeRemovedOrTagged() async throws {
        try await withImages { store, _, _, _ in
            let error = await #expect(throws: ImageError.self) { try await store.remove("nothing") }
            expectText(error, has: "no such image: nothing")
            try await #require(throws: ImageError.self) { try await store.tag("nothing", as: Reference("x")) }
        }
    }

    @Test func aPrefixOfTwoIDsIsAmbiguous() async throws {
        try await withStore { store, _ in
            var firstDigits: [Character: Int] = [:]
            for number in 0..<20 {
                let layer = TarWriter.archive { $0.file("f", "\(number)") }
                let image = try await store.importArchive(from: stream(layer), reference: Reference("i:\(number)"))
                firstDigits[image.id.hex.first ?? "x", default: 0] += 1
            }
            let digit = try #require(firstDigits.first { $0.value > 1 }?.key)
            let error = await #expect(throws: ImageError.self) { try await store.resolve("\(digit)") }
            expectText(error, has: "is the start of")
        }
    }

    @Test("an image whose name went to another goes by itself, unless something needs it")
    func renamed() async throws {
        try await withImages { store, root, base, top in
            try await store.tag("top:1", as: Reference("base:1"))
            #expect(try await store.collectGarbage(keeping: [base.id]).images == [])
            #expect(try await store.resolve("\(base.id)") == base)
            let collected = try await store.collectGarbage(keeping: [])
            #expect(collected.images == [.deleted(base.id)] && collected.bytes > 0)
            // Its layer is also one of the other's.
            #expect(try await store.snapshot(for: top).lower.count == 2)
            #expect(try folderEntries("\(root)/snapshots").count == 3)
            #expect(try await store.collectGarbage(keeping: []).bytes == 0)
        }
    }

    @Test("a kept image whose name went to another stays until it is named and loses this name, or is pruned")
    func kept() async throws {
        try await withImages { store, _, base, top in
            try await store.tag("top:1", as: Reference("base:1"))
            try await store.keep([base.id, top.id])
            #expect(try await store.collectGarbage(keeping: []).images == [])
            try await store.tag(base.id.short, as: Reference("again"))
            try await store.tag("top:1", as: Reference("again"))
            try await store.keep([base.id])
            #expect(try await store.prune(includingNamed: false, keeping: []).images == [.deleted(base.id)])
        }
    }

    @Test("an image that was loaded without a name waits for one, also over a restart")
    func nameless() async throws {
        let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer], tags: [])])
        try await withTemporaryFolder { folder in
            var store: ImageStore? = try makeStore("\(folder)/store")
            let id = try #require(try await store?.load(from: stream(archive)).first?.image.id)
            _ = try await store?.collectGarbage(keeping: [])
            store = nil
            let second = try makeStore("\(folder)/store")
            #expect(try await second.collectGarbage(keeping: []).images == [])
            try await second.tag(id.short, as: Reference("named"))
            _ = try await second.load(
                from: stream(
                    ArchiveBuilder.archive([
                        ArchiveBuilder(layers: [TarWriter.archive { $0.file("f", "") }], tags: ["named"])
                    ])))
            #expect(try await second.collectGarbage(keeping: []).images == [.deleted(id)])
        }
    }

    @Test("a prune takes nameless images, with names all, and only what it is asked for")
    func prune() async throws {
        try await withImages { store, _, base, top in
            #expect(try await store.prune(includingNamed: false, keeping: []).images == [])
            #expect(try await store.prune(includingNamed: true, keeping: [base.id, top.id]).images == [])
            #expect(try await store.prune(includingNamed: true, keeping: []) { _ in false }.images == [])
            let collected = try await store.prune(includingNamed: true, keeping: [base.id])
            #expect(collected.images == [.untagged(try Reference("top:1")), .deleted(top.id)])
        }
    }

    @Test("what a running operation holds survives a collection beside it")
    func besideOthers() async throws {
        try await withStore { store, _ in
            let archives = try (0..<8).map { number in
                try ArchiveBuilder.archive([
                    ArchiveBuilder(layers: [TarWriter.archive { $0.file("f", "\(number)") }], tags: ["i:\(number)"])
                ])
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for archive in archives {
                    group.addTask {
                        let image = try await store.load(from: stream(archive))[0].image
                        _ = try await store.snapshot(for: image)
                    }
                    group.addTask { for _ in 0..<5 { _ = try await store.collectGarbage(keeping: []) } }
                }
                try await group.waitForAll()
            }
            for image in await store.list() {
                #expect(try readText("\(await store.snapshot(for: image.image).lower[0])/f").count == 1)
            }
            #expect(await store.list().count == 8)
        }
    }

    @Test("all who wait for one collection go on at its end", .timeLimit(.minutes(10)))
    func waitingTogether() async throws {
        try await withStore { store, folder in
            for round in 0..<60 {
                for number in 0..<4 {
                    let digest = digest(of: Array("nobody's \(round) \(number)".utf8))
                    try writeFileAtomically("\(folder)/store/content/blobs/sha256/\(digest.hex)", [1])
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 {
                        group.addTask { _ = try await store.collectGarbage(keeping: []) }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a download that broke off is kept for an hour, for the next pull to go on with; a prune takes it at once")
    func partialDownloads() async throws {
        try await withStore { store, folder in
            let ingest = "\(folder)/store/content/ingest"
            for name in ["partial-old", "partial-new"] { try writeFileAtomically("\(ingest)/\(name)", [1, 2, 3]) }
            let past = timespec(tv_sec: time(nil) - 3700, tv_nsec: 0)
            try openFile("\(ingest)/partial-old", O_WRONLY).setTimes(access: past, modification: past)
            #expect(try await store.collectGarbage(keeping: []).bytes == 3)
            #expect(try folderEntries(ingest) == ["partial-new"])
            #expect(try await store.prune(includingNamed: false, keeping: []).bytes == 3)
            #expect(try folderEntries(ingest) == [])
        }
    }
}
