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
            #expect(try await store.collectGarbage(keeping: [top.id]) == [])
            #expect(try await store.resolve("\(top.id)") == top)
            #expect(try await store.collectGarbage(keeping: []) == [top.id])
            #expect(try await store.resolve("\(top.id)") == nil)
            #expect(try folderEntries("\(root)/snapshots").count == 2)
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
}
