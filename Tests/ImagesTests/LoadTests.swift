import Glibc
import Images
import JSON
import Linux
import OCI
import Testing

let baseLayer = TarWriter.archive { tar in
    tar.folder("etc", mode: 0o750, uid: 3, gid: 4)
    tar.file("etc/a", "base a")
    tar.file("etc/b", "base b")
    tar.folder("data")
    tar.file("data/old", "old")
}
let topLayer = TarWriter.archive { tar in
    tar.file("etc/.wh.a", "")
    tar.file("etc/c", "top c")
    tar.file("data/.wh..wh..opq", "")
    tar.file("data/new", "new")
    tar.hardLink("etc/link", to: "etc/b")
}

@Suite(.enabled(if: isPrivileged)) struct LoadTests {
    @Test func severalImagesAreLoadedAndShareTheirLayers() async throws {
        let archive = try ArchiveBuilder.archive([
            ArchiveBuilder(layers: [baseLayer], tags: ["base:1", "base:2"]),
            ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["top:1"]),
        ])
        try await withStore { store, folder in
            let loaded = try await store.load(from: stream(archive))
            #expect(loaded.map { $0.references.map(\.familiar) } == [["base:1", "base:2"], ["top:1"]])
            let top = try await store.snapshot(for: loaded[1].image).lower
            #expect(try await store.snapshot(for: loaded[0].image).lower == [top[1]])
            #expect(try folderEntries("\(folder)/store/snapshots").count == 3)
            #expect(try folderEntries("\(folder)/store/content/ingest") == [])
        }
    }

    @Test func aFolderThatNoEntryDescribesIsLikeTheOneBelow() async throws {
        try await withStore { store, _ in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: [])])
            let image = try await store.load(from: stream(archive))[0].image
            let top = try await store.snapshot(for: image).lower[0]
            var status = stat()
            #expect(stat("\(top)/etc", &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o750)
            #expect(status.st_uid == 3 && status.st_gid == 4)
            #expect(try readText("\(top)/etc/link") == "base b")
        }
    }

    @Test func aVolumeIsFilledWithWhatTheLayersShowTogether() async throws {
        try await withStore { store, folder in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: [])])
            let image = try await store.load(from: stream(archive))[0].image
            let lower = try await store.snapshot(for: image).lower
            for path in ["etc", "data"] {
                try makeFolders("\(folder)/\(path)")
                let isCopied = try copyUp("/\(path)", from: lower, into: "\(folder)/\(path)")
                #expect(isCopied)
            }
            #expect(try folderEntries("\(folder)/etc") == ["b", "c", "link"])
            #expect(try folderEntries("\(folder)/data") == ["new"])
            var status = stat()
            #expect(stat("\(folder)/etc", &status) == 0 && status.st_mode & 0o7777 == 0o750 && status.st_uid == 3)
            #expect(stat("\(folder)/etc/b", &status) == 0 && status.st_mtim.tv_sec == 1_700_000_000)
            try makeFolders("\(folder)/none")
            #expect(try !copyUp("/nothing", from: lower, into: "\(folder)/none"))
        }
    }

    @Test func anOverlayMountShowsTheLayersTogether() async throws {
        try await withStore { store, folder in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: [])])
            let image = try await store.load(from: stream(archive))[0].image
            let lower = try await store.snapshot(for: image).lower
            try makeFolders("\(folder)/merged")
            let names = try await runOnPrivateThread(mounts: true) {
                let options = "lowerdir=\(lower.joined(separator: ":"))"
                try mountFileSystem("overlay", at: "\(folder)/merged", type: "overlay", flags: 1, options: options)
                return try folderEntries("\(folder)/merged/etc") + folderEntries("\(folder)/merged/data")
            }
            #expect(names == ["b", "c", "link", "new"])
        }
    }

    @Test(arguments: [
        ("no description", TarWriter.archive { $0.file("x", "y") }, "so it has no images"),
        (
            "a missing layer",
            TarWriter.archive {
                $0.file("c.json", "{}")
                $0.file("manifest.json", #"[{"Config":"c.json","Layers":["l.tar"]}]"#)
            }, "layer \"l.tar\", named in manifest.json, is missing"
        ),
        (
            "a configuration that is none",
            TarWriter.archive {
                $0.file("c.json", "[]")
                $0.file("manifest.json", #"[{"Config":"c.json","Layers":[]}]"#)
            }, "c.json"
        ),
        (
            "links in a circle",
            TarWriter.archive {
                $0.symbolicLink("manifest.json", to: "b")
                $0.symbolicLink("b", to: "manifest.json")
            }, "is a link to itself"
        ),
    ])
    func anArchiveThatIsNotWholeIsRefused(_ title: String, _ archive: [UInt8], _ reason: String) async throws {
        try await withStore { store, folder in
            let error = await #expect(throws: ImageError.self) { try await store.load(from: stream(archive)) }
            expectText(error, has: reason)
            let remains = try folderEntries("\(folder)/store/content/ingest")
            #expect(remains == [])
        }
    }

    @Test func aLayerThatIsNotWhatTheConfigurationPromisesIsRefused() async throws {
        var liar = ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["liar"])
        liar.diffIDs[1] = digest(of: "other".utf8)
        let archive = try ArchiveBuilder.archive([liar])
        try await withStore { store, folder in
            let error = await #expect(throws: ImageError.self) { try await store.load(from: stream(archive)) }
            expectText(error, has: "layer 2, unpacked, has the digest \(digest(of: topLayer))")
            let blobs = try folderEntries("\(folder)/store/content/blobs/sha256")
            #expect(blobs == [])
            #expect(try folderEntries("\(folder)/store/snapshots") == ["empty"])
        }
    }

    @Test(arguments: ["oci-archive", "docker-archive"])
    func anArchiveThatSkopeoWroteIsLoaded(_ kind: String) async throws {
        guard fileExists("/usr/bin/skopeo") else { return }
        try await withStore { store, folder in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["a:1"])])
            try writeFileAtomically("\(folder)/in.tar", archive)
            let target = "\(kind):\(folder)/out.tar:docker.io/library/b:2"
            try run("/usr/bin/skopeo", ["--insecure-policy", "copy", "docker-archive:\(folder)/in.tar", target])
            let loaded = try await store.load(from: stream(try readFile("\(folder)/out.tar")))
            #expect(loaded.map { $0.references.map(\.familiar) } == [["b:2"]])
            #expect(loaded[0].image.config.rootfs.diffIDs == [digest(of: baseLayer), digest(of: topLayer)])
        }
    }
}
