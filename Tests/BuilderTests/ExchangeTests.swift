import Builder
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

/// Results of steps that come from other caches, and go to them.
@Suite(.enabled(if: geteuid() == 0)) struct ExchangeTests {
    /// Forgets all that the engine's own cache has.
    private func forget(_ world: World) async throws {
        _ = try await world.cache.prune { _ in true }
        _ = world.host.ran.take()
    }

    private static let twoStages = """
        FROM base AS tools
        RUN touch tool
        FROM base
        WORKDIR /w
        COPY src .
        COPY --from=tools tool /bin/

        """

    @Test("all steps come from a whole cache, and of the other one those that end in the image")
    func wholeAndNot() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let first = try await world.build(Self.twoStages) {
                $0.cacheTo = [
                    .registry("whole", isWhole: true, mayFail: false),
                    .registry("small", isWhole: false, mayFail: false),
                ]
            }
            try await forget(world)
            let second = try await world.build(Self.twoStages) { $0.cacheFrom = [.registry("whole")] }
            #expect(world.host.ran.take() == [] && second.image.id == first.image.id)
            #expect(Set(world.caches.values) == ["whole"] && world.caches.count == 4, "\(world.caches)")
            try await forget(world)
            let third = try await world.build(Self.twoStages) { $0.cacheFrom = [.registry("small")] }
            #expect(world.host.ran.take() == ["touch tool"], "the other stage is in no layer of the image")
            #expect(third.image.config.rootfs.diffIDs.count == first.image.config.rootfs.diffIDs.count)
        }
    }

    @Test("a cache goes out as a layout and comes in from it; the engine's own cache has it then")
    func layout() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let text = Self.twoStages + "RUN --mount=target=/src touch made\n"
            let first = try await world.build(text) { $0.outputs = [.image, .wholeCache] }
            try writeFileAtomically(
                "\(world.folder)/layout.tar", world.context.delivered.bytes.withLock { $0 })
            try makeFolders("\(world.folder)/layout")
            try world.images.unpackArchive("\(world.folder)/layout.tar", into: "\(world.folder)/layout")
            try await forget(world)
            let source = BuildCacheSource.layout(BuildLayout(context: "layout", shown: "type=local"))
            let second = try await world.build(text) { $0.cacheFrom = [source] }
            #expect(world.host.ran.take() == [] && second.image.id == first.image.id, "\(world.warnings)")
            _ = try await world.build(text)
            #expect(world.host.ran.take() == [] && world.caches.isEmpty)
        }
    }

    @Test("an image in the store gives its steps to those who name it, without a cache inside; others run them")
    func storedImage() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let text = "FROM base\nWORKDIR /w\nCOPY src .\nRUN touch a\n"
            let first = try await world.build(text)
            _ = world.host.ran.take()
            _ = try await world.cache.prune { _ in true }
            let second = try await world.build(text) {
                $0.tags = ["again"]
                $0.cacheFrom = [.image("made")]
            }
            #expect(world.host.ran.take() == [] && second.image.config.rootfs == first.image.config.rootfs)
            #expect(world.warnings == [])
            _ = try await world.cache.prune { _ in true }
            _ = try await world.build(text) { $0.cacheFrom = [.image("unknown")] }
            #expect(world.host.ran.take() == ["touch a"])
            #expect(world.warnings.count == 1, "\(world.warnings)")
        }
    }

    @Test("the cache in an image is found by those who have nothing but the image")
    func inline() async throws {
        try await withWorld { world in
            let text = "FROM base\nRUN touch a\nRUN touch b\n"
            let plain = try await world.build(text)
            #expect(plain.image.config.stepCache == nil)
            let first = try await world.build(text) { $0.cacheTo = [.inline] }
            let again = try await world.build(text) { $0.cacheTo = [.inline] }
            #expect(first.image.config.stepCache != nil && first.image.id == again.image.id)
            let image = first.image
            let documents = OutsideDocuments { _ in
                try world.blob(image.manifestDigest)
            } blob: { blob, _ in
                try world.blob(blob.digest)
            }
            let cache = try await documents.cache(
                image.manifest, world.blob(image.manifestDigest), platform: image.platform)
            world.host.registries.withLock { $0["image"] = cache }
            try await forget(world)
            _ = try await world.build(text) { $0.cacheFrom = [.registry("image")] }
            #expect(world.host.ran.take() == [] && world.caches.count == 2)
        }
    }

    @Test("a cache that is not there, or cannot be written where that may fail, is a warning")
    func missing() async throws {
        try await withWorld { world in
            _ = try await world.build("FROM base\nRUN touch a\n") {
                $0.cacheFrom = [
                    .registry("nothing"), .layout(BuildLayout(context: "layout", shown: "type=local,src=none")),
                ]
                $0.cacheTo = [.registry("broken", isWhole: false, mayFail: true)]
            }
            #expect(world.host.ran.take() == ["touch a"])
            #expect(world.warnings.count == 3 && world.warnings[0].contains("the cache nothing is not used"))
            #expect(world.warnings[2].contains("the cache broken cannot be written"))
            await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base\nRUN touch a\n") {
                    $0.cacheTo = [.registry("broken", isWhole: false, mayFail: false)]
                }
            }
        }
    }

    @Test("a cache that lies about the files of a step is found out, and the step is made")
    func lie() async throws {
        try await withWorld { world in
            let text = "FROM base\nCOPY a /a\n"
            for content in ["1", "2"] {
                try world.write("a", content)
                _ = try await world.build(text) {
                    $0.tags = ["tag\(content)"]
                    $0.cacheTo = [.registry(content, isWhole: true, mayFail: false)]
                }
            }
            let (one, two) = try world.host.registries.withLock { all in
                (try #require(all["1"]?.steps), try #require(all["2"]?.steps))
            }
            // The key of the second content, and the layer of the first.
            var lie = StepCache()
            let key = try #require(two.records.first?.key)
            lie.add(
                key, one.layers.map { BuiltLayer(diffID: $0.diffID, blob: $0.blob, size: 0) }, created: nil)
            let forged = lie
            world.host.registries.withLock { $0["lie"] = OutsideCache(steps: forged) }
            try await forget(world)
            let made = try await world.build(text) { $0.cacheFrom = [.registry("lie")] }
            #expect(try readText("\(made.root)/a") == "2")
            #expect(world.warnings.count == 1 && world.warnings[0].contains("holds other files"), "\(world.warnings)")
        }
    }

    @Test("an image whose history says the same is used without a key, and its files are looked at")
    func history() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let text = "FROM base\nWORKDIR /w\nENV A=1\nCOPY src .\nRUN touch made\n"
            let first = try await world.build(text) { $0.cacheTo = [.registry("own", isWhole: false, mayFail: false)] }
            let steps = try #require(world.host.registries.withLock { $0["own"]?.steps })
            let foreign = OutsideCache(
                steps: StepCache(),
                image: .init(history: first.image.config.history ?? [], layers: steps.layers))
            world.host.registries.withLock { $0["foreign"] = foreign }
            try await forget(world)
            let second = try await world.build(text) { $0.cacheFrom = [.registry("foreign")] }
            #expect(world.host.ran.take() == [] && world.caches.count == 3, "\(world.caches) \(world.warnings)")
            #expect(second.image.config.rootfs.diffIDs == first.image.config.rootfs.diffIDs)
            try await forget(world)
            try world.write("src/a", "2")
            let third = try await world.build(text) { $0.cacheFrom = [.registry("foreign")] }
            #expect(world.host.ran.take() == ["touch made"] && world.caches.count == 1)
            let layers = try await world.images.snapshot(for: third.image).lower
            #expect(try readText("\(layers[1])/w/a") == "2")
            // What a mount brings stands in no history.
            try await forget(world)
            _ = try await world.build(text.replacing("RUN touch", with: "RUN --mount=type=tmpfs,target=/t touch")) {
                $0.cacheFrom = [.registry("foreign")]
            }
            #expect(world.host.ran.take() == ["touch made"])
        }
    }
}

/// Builds for other platforms.
@Suite(.enabled(if: geteuid() == 0)) struct PlatformTests {
    @Test(
        "a RUN for a foreign processor needs an emulator; its line is told before anything runs",
        arguments: [
            ("FROM scratch\nRUN touch a\n", "linux/mips64", [2]),
            ("FROM scratch\nRUN touch a\n", "linux/riscv64", []),  // it has one
            (
                "FROM --platform=$BUILDPLATFORM scratch AS a\nRUN touch a\nFROM scratch\nCOPY --from=a a /\n",
                "linux/mips64", []
            ),
            ("FROM scratch AS a\nCOPY f /\nFROM a\nRUN touch a\n", "linux/mips64", [4]),
            ("FROM --platform=linux/mips64 scratch AS a\nRUN touch a\nFROM scratch\nCOPY --from=a a /\n", nil, [2]),
            ("FROM --platform=linux/mips64 scratch AS unused\nRUN touch a\nFROM scratch\nCOPY f /\n", nil, []),
        ] as [(String, String?, [Int])])
    func foreign(_ text: String, _ platform: String?, _ lines: [Int]) async throws {
        try await withWorld { world in
            try world.write("f", "x")
            do {
                _ = try await world.build(text) { $0.platform = platform }
                #expect(lines == [])
            } catch let failure as BuildFailure {
                #expect(failure.notes.map { $0.place?.line } == lines, "\(failure)")
                #expect(world.host.ran.take() == [])
            }
        }
    }

    @Test("what names no platform is a mistake", arguments: ["a/b/c/d", "/", "linux/"])
    func mistakes(_ platform: String) async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM scratch\nCOPY f /\n") { $0.platform = platform }
            }
            #expect(failure?.notes.first?.message.contains("platform: write os/architecture") == true)
        }
    }
}

extension World {
    /// Caches from outside by the step that was taken from them.
    var caches: [String: String] {
        events.withLock { events in
            events.reduce(into: [:]) { result, event in
                guard case .step(let step) = event, let cache = step.cache else { return }
                result[step.title] = cache
            }
        }
    }

    func blob(_ digest: Digest) throws -> [UInt8] {
        try readFile("\(folder)/store/content/blobs/sha256/\(digest.hex)")
    }

    var warnings: [String] {
        events.withLock { events in
            events.compactMap { event in
                guard case .warning(let note) = event else { return nil }
                return note.message
            }
        }
    }
}
