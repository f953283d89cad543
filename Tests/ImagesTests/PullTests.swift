import Glibc
import Images
import JSON
import Linux
import OCI
import Synchronization
import Testing

/// A layer that takes several pieces to transfer.
private let largeLayer = TarWriter.archive { tar in
    var state: UInt64 = 1
    tar.add(
        "large",
        data: (0..<3_000_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        })
}

@Suite(.enabled(if: isPrivileged && DebianRegistry.isInstalled)) struct DebianRegistryTests {
    @Test(arguments: ["oci", "v2s2"])
    func anImageIsPulledAsItWasPushed(_ format: String) async throws {
        try await withStore { store, folder in
            try await DebianRegistry.with(folder) { registry in
                let image = ArchiveBuilder(layers: [baseLayer, topLayer, largeLayer], tags: ["a:1"])
                try writeFileAtomically("\(folder)/a.tar", ArchiveBuilder.archive([image]))
                try registry.push("\(folder)/a.tar", as: "team/a:1", format: format)
                let events = Mutex<[PullProgress]>([])
                let reference = try Reference("\(registry.address)/team/a:1")
                let pulled = try await store.pull(reference) { event in events.withLock { $0.append(event) } }
                #expect(pulled.config.rootfs.diffIDs == image.diffIDs)
                #expect(pulled.config.config?.cmd == ["sh"])
                #expect(pulled.size > 3_000_000)
                #expect(try await store.snapshot(for: pulled).lower.count == 3)
                let large = try #require(pulled.layers.last)
                let seen = events.withLock { $0 }
                #expect(seen.first == .layers(pulled.layers))
                #expect(seen.contains(.transferred(large.digest, done: large.size, total: large.size)))
                #expect(seen.last == .complete)
                let listed = await store.list()
                #expect(listed.map(\.repositoryDigest) == [pulled.manifestDigest])
                // By digest it is the same image, under another name.
                let exact = try Reference("\(registry.address)/team/a@\(pulled.manifestDigest)")
                #expect(try await store.pull(exact) == pulled)
                #expect(await store.image(exact) == pulled)
                // A tag and a digest of one repository are no reason to ask for force.
                #expect(try await store.remove(pulled.id.short).last == .deleted(pulled.id))
            }
        }
    }

    @Test func whatIsNotThereIsSaidSo() async throws {
        try await withStore { store, folder in
            try await DebianRegistry.with(folder) { registry in
                let reference = try Reference("\(registry.address)/none:9")
                let error = await #expect(throws: ImageError.self) { try await store.pull(reference) }
                expectText(error, has: "no such image: \(registry.address)/none:9 is not in the registry")
            }
        }
    }
}

@Suite(.enabled(if: isPrivileged)) struct PullTests {
    @Test func pullsOfOneImageShareTheWork() async throws {
        let served = try ServedImage("a", tag: "1", layers: [baseLayer, largeLayer])
        let registry = try ScriptedRegistry { served.answer($0) }
        try await withStore { store, _ in
            try await registry.serve { address in
                let reference = try Reference("\(address)/a:1")
                async let first = store.pull(reference)
                async let second = store.pull(reference)
                async let third = store.pull(reference)
                let images = try await [first, second, third]
                #expect(Set(images).count == 1)
                #expect(Set(registry.log.map(\.path)).count == registry.log.count)
            }
        }
    }

    @Test func aDigestIsAskedForWithoutFetchingTheImage() async throws {
        let served = try ServedImage("a", tag: "1", layers: [baseLayer])
        let registry = try ScriptedRegistry { served.answer($0) }
        try await withStore { store, _ in
            try await registry.serve { address in
                let reference = try Reference("\(address)/a:1")
                let resolved = try await store.resolveDigest(of: reference)
                #expect(resolved.tag == "1")
                #expect(registry.log.map(\.path) == ["/v2/a/manifests/1"])
                #expect(await store.list().isEmpty)
                // What has a digest is known.
                let pinned = try await store.resolveDigest(of: resolved)
                #expect(pinned.tag == nil && pinned.digest == resolved.digest)
                #expect(registry.log.count == 1)
            }
        }
    }

    @Test func aConnectionThatBreaksIsResumedWhereItBroke() async throws {
        let served = try ServedImage("a", tag: "1", layers: [largeLayer])
        let registry = try ScriptedRegistry { request in
            var answer = served.answer(request)
            if answer.body.count > 1_500_000 { answer.breaksAfter = 1_200_000 }
            return answer
        }
        try await withStore { store, _ in
            try await registry.serve { address in
                let image = try await store.pull(Reference("\(address)/a:1"))
                #expect(image.layers[0].digest == digest(of: largeLayer))
                let ranges = registry.log.filter { $0.path.hasSuffix("\(digest(of: largeLayer))") }
                #expect(ranges.count >= 3)
                #expect(ranges.dropFirst().allSatisfy { $0.headers["range"] != nil })
            }
        }
    }

    @Test func aBusyRegistryIsAskedAgain() async throws {
        let served = try ServedImage("a", tag: "1", layers: [baseLayer])
        let registry = try ScriptedRegistry { request in
            guard request.repetition > 0 else {
                return .init(status: request.path.contains("blobs") ? 503 : 429, headers: ["Retry-After": "0"])
            }
            return served.answer(request)
        }
        try await withStore { store, _ in
            try await registry.serve { address in
                _ = try await store.pull(Reference("\(address)/a:1"))
                #expect(registry.log.filter { $0.path == "/v2/a/manifests/1" }.count == 2)
            }
        }
    }

    @Test func aTokenIsFetchedWithTheLoginAndNotSentElsewhere() async throws {
        let served = try ServedImage("a", tag: "1", layers: [baseLayer])
        let storage = try ScriptedRegistry { request in
            .init(status: request.headers["authorization"] == nil ? 200 : 400, body: baseLayer)
        }
        let own = Mutex("")
        let registry = try ScriptedRegistry { request in
            let address = own.withLock { $0 }
            if request.path.hasPrefix("/token") {
                let isRight = request.headers["authorization"] == "Basic dXNlcjpwYTpzcw=="
                return .init(status: isRight ? 200 : 401, body: Array(#"{"token":"T0"}"#.utf8))
            }
            guard request.headers["authorization"] == "Bearer T0" else {
                let realm = "Bearer realm=\"http://\(address)/token\",service=\"s x\",scope=\"repository:a:pull\""
                return .init(status: 401, headers: ["WWW-Authenticate": realm])
            }
            if request.path.hasSuffix("\(digest(of: baseLayer))") {
                return .init(status: 307, headers: ["Location": "http://\(storage.address)/signed?x=1"])
            }
            return served.answer(request)
        }
        own.withLock { $0 = registry.address }
        try await withStore { store, _ in
            try await storage.serve { _ in
                try await registry.serve { address in
                    let credentials = RegistryCredentials(encoded: [address: "dXNlcjpwYTpzcw=="])
                    _ = try await store.pull(Reference("\(address)/a:1"), credentials: credentials)
                    let tokens = registry.log.filter { $0.path.hasPrefix("/token") }
                    #expect(tokens.map(\.path) == ["/token?scope=repository%3Aa%3Apull&service=s%20x&account=user"])
                    let error = await #expect(throws: ImageError.self) {
                        try await store.pull(Reference("\(address)/a:2"))
                    }
                    expectText(error, has: "pull access denied for \(address)/a")
                }
            }
        }
    }

    @Test func aPasswordIsGivenWhenAskedFor() async throws {
        let served = try ServedImage("a", tag: "1", layers: [baseLayer])
        let registry = try ScriptedRegistry { request in
            guard request.headers["authorization"] == "Basic dXNlcjpwYTpzcw==" else {
                return .init(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"x\""])
            }
            return served.answer(request)
        }
        try await withStore { store, _ in
            try await registry.serve { address in
                var credentials = RegistryCredentials()
                credentials.add(.password(user: "user", password: "pa:ss"), for: "http://\(address)/v1/")
                _ = try await store.pull(Reference("\(address)/a:1"), credentials: credentials)
                #expect("\(credentials)" == "logins at 1 registries")
            }
        }
    }

    @Test func ofAnIndexThePlatformIsTaken() async throws {
        let other = Platform(os: "linux", architecture: "riscv64")
        let mine = try ServedImage("a", tag: "mine", layers: [baseLayer])
        let theirs = try ServedImage("a", tag: "theirs", layers: [topLayer], platform: other)
        let index = try encodeJSON(
            Index(manifests: [
                Descriptor(
                    mediaType: MediaType.manifest, digest: digest(of: theirs.manifest),
                    size: Int64(theirs.manifest.count), platform: other),
                Descriptor(
                    mediaType: MediaType.manifest, digest: digest(of: mine.manifest), size: Int64(mine.manifest.count),
                    platform: .host),
            ]))
        let registry = try ScriptedRegistry { request in
            if request.path == "/v2/a/manifests/1" {
                return .init(headers: ["Content-Type": MediaType.index], body: index)
            }
            return mine.documents[request.path] == nil ? theirs.answer(request) : mine.answer(request)
        }
        try await withStore { store, _ in
            try await registry.serve { address in
                let reference = try Reference("\(address)/a:1")
                let image = try await store.pull(reference)
                #expect(image.manifestDigest == digest(of: mine.manifest))
                #expect(await store.list()[0].repositoryDigest == digest(of: index))
                let error = await #expect(throws: ImageError.self) {
                    try await store.pull(reference, platform: Platform("linux/s390x"))
                }
                expectText(error, has: "no image for linux/s390x; there is one for: ")
            }
        }
    }

    @Test func whatIsNotWhatItsDigestSaysIsRefused() async throws {
        let liar = try ServedImage("a", tag: "1", layers: [topLayer], promise: [Array(topLayer.reversed())])
        let long = try ServedImage("b", tag: "1", layers: [topLayer], promise: [Array(topLayer.dropLast())])
        let registry = try ScriptedRegistry { request in
            request.path.hasPrefix("/v2/a/") ? liar.answer(request) : long.answer(request)
        }
        try await withStore { store, folder in
            try await registry.serve { address in
                for (name, reason) in [("a:1", "but expected"), ("b:1", "is longer than")] {
                    let error = await #expect(throws: ImageError.self) {
                        try await store.pull(Reference("\(address)/\(name)"))
                    }
                    expectText(error, has: reason)
                }
                let remains = try folderEntries("\(folder)/store/content/ingest")
                #expect(remains == [])
                #expect(try folderEntries("\(folder)/store/content/blobs/sha256") == [])
                #expect(await store.list().isEmpty)
            }
        }
    }

    @Test(arguments: [
        (#"{"schemaVersion":1}"#, MediaType.manifest, "old schema version 1"),
        (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, MediaType.index, "a manifest and an index at once"),
        (#"{"schemaVersion":2,"mediaType":"x/y"}"#, MediaType.manifest, "says that it is x/y"),
        (#"{"schemaVersion":2}"#, "text/html", "text/html is not a type of image"),
        (#"{"#, MediaType.manifest, "is not JSON"),
        (#"{"schemaVersion":2}"#, MediaType.manifest, "has an invalid form"),
    ])
    func aManifestThatIsNoneIsRefused(_ text: String, _ mediaType: String, _ reason: String) async throws {
        let registry = try ScriptedRegistry { _ in .init(headers: ["Content-Type": mediaType], body: Array(text.utf8)) }
        try await withStore { store, _ in
            try await registry.serve { address in
                let error = await #expect(throws: ImageError.self) { try await store.pull(Reference("\(address)/a")) }
                expectText(error, has: reason)
            }
        }
    }

    @Test func aRegistryThatIsNotThereIsNamed() async throws {
        try await withStore { store, _ in
            let texts = [
                "127.0.0.1:1": "connection refused", "registry.invalid": "the name registry.invalid is not known (",
            ]
            for (host, text) in texts {
                let error = await #expect(throws: ImageError.self) { try await store.pull(Reference("\(host)/a")) }
                expectText(error, has: "registry \(host) cannot be reached: \(text)")
            }
        }
    }

    @Test func aPullThatIsCancelledEnds() async throws {
        let served = try ServedImage("a", tag: "1", layers: [largeLayer])
        let gate = AsyncStream<Void>.makeStream()
        let registry = try ScriptedRegistry { request in
            if request.path.hasSuffix("\(digest(of: largeLayer))") { gate.continuation.yield() }
            return served.answer(request)
        }
        try await withStore { store, folder in
            try await registry.serve { address in
                let pull = Task { try await store.pull(Reference("\(address)/a:1")) }
                for await _ in gate.stream { break }
                pull.cancel()
                _ = await pull.result  // it ends; whether before or after the last byte is a race
                #expect(try await store.prune(includingNamed: false, keeping: []).images == [])
                let snapshots = try folderEntries("\(folder)/store/snapshots")
                #expect(snapshots.count <= 2 && snapshots.contains("empty"))
            }
        }
    }
}
