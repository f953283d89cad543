import Builder
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

@Suite("Results of steps come from the cache", .enabled(if: geteuid() == 0)) struct BuildCacheTests {
    @Test("a second build takes every step from the cache and is the same image")
    func cached() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let text = "FROM base\nWORKDIR /w\nCOPY src .\nRUN touch made\nENV A=1\nCMD [\"x\"]\n"
            let first = try await world.build(text)
            #expect(world.host.ran.take() == ["touch made"] && world.context.fetched.take() == ["src/a"])
            #expect(fileExists("\(first.root)/made"))
            let second = try await world.build(text)
            #expect(world.host.ran.take() == [] && world.context.fetched.take() == [])
            #expect(second.image.id == first.image.id)
            #expect(world.steps(.cached) == ["COPY src .", "RUN touch made", "WORKDIR /w"])
            #expect(
                second.image.config.history?.suffix(5).map { $0.emptyLayer ?? false } == [
                    false, false, false, true, true,
                ])
            #expect(second.image.config.config?.cmd == ["x"] && second.image.config.rootfs.diffIDs.count == 4)
        }
    }

    @Test(
        "only what changed counts: a touched file does not, its content and mode do, and only the file that changed is sent"
    )
    func content() async throws {
        try await withWorld { world in
            try world.write("a", "1")
            try world.write("b", "2")
            let text = "FROM base\nCOPY . /src/\nRUN touch x\n"
            _ = try await world.build(text)
            _ = world.context.fetched.take()
            _ = world.host.ran.take()
            utimes("\(world.folder)/context/a", nil)
            _ = try await world.build(text)
            #expect(world.context.fetched.take() == ["a"] && world.host.ran.take() == [])
            try world.write("b", "other")
            let third = try await world.build(text)
            #expect(world.context.fetched.take() == ["b"] && world.host.ran.take() == ["touch x"])
            #expect(world.reasons == ["src/b has changed", "a step before it has another result"])
            let layers = try await world.images.snapshot(for: third.image).lower
            #expect(try readText("\(layers[1])/src/b") == "other" && readText("\(layers[1])/src/a") == "1")
            chmod("\(world.folder)/context/a", 0o755)
            _ = try await world.build(text)
            #expect(world.reasons.first == "src/a changed its mode 644 → 755")
        }
    }

    @Test("a stage that is to ignore the cache runs again and says by which option, the others do not")
    func ignoredCache() async throws {
        try await withWorld { world in
            let text = "FROM base AS one\nRUN touch a\nFROM base\nCOPY --from=one /a /a\nRUN touch b\n"
            _ = try await world.build(text)
            _ = world.host.ran.take()
            _ = try await world.build(text) { $0.noCacheFilter = ["ONE"] }
            #expect(world.host.ran.take() == ["touch a"])
            #expect(world.reasons == ["the cache is not used for this stage: --no-cache-filter"])
            _ = try await world.build(text) { $0.noCache = true }
            #expect(world.host.ran.take().sorted() == ["touch a", "touch b"])
            #expect(Set(world.reasons) == ["the cache is not used: --no-cache"])
        }
    }

    @Test("two builds of one thing at once run each step once; a build that is given up spoils nothing")
    func together() async throws {
        try await withWorld { world in
            let text = "FROM base\nRUN touch once\n"
            async let one = world.build(text)
            async let two = world.build(text)
            let images = try await [one.image.id, two.image.id]
            #expect(images[0] == images[1] && world.host.ran.take() == ["touch once"])
            let given = Task { try await world.build("FROM base\nRUN touch other\n") }
            given.cancel()
            _ = await given.result
            #expect(try await fileExists("\(world.build("FROM base\nRUN touch other\n").root)/other"))
        }
    }

    @Test("the cache is there after a restart, and pruned it is gone")
    func restart() async throws {
        try await withWorld { world in
            let text = "FROM base\nRUN touch a\n"
            let first = try await world.build(text)
            let images = try ImageStore(root: "\(world.folder)/store", blockingOn: BlockingPool(name: "i", limit: 4))
            let cache = BuildCache(root: "\(world.folder)/store/builds", images: images, pool: world.pool) { 0 }
            try await cache.load()
            _ = try await images.remove("made")
            let host = PlainHost(images: images, root: "\(world.folder)/store")
            var request = BuildRequest(title: "t", dockerfile: text, file: "Dockerfile")
            request.context = "\(world.folder)/context"
            let again = try await BuildRun.build(
                request, host: host, images: images, cache: cache, contexts: world.context, pool: world.pool
            ) { _ in }
            #expect(host.ran.take() == [] && again.config.rootfs == first.image.config.rootfs)
            #expect(try await cache.prune { _ in true }.count == 1)
            _ = try await images.prune(includingNamed: false, keeping: [])
            _ = try await BuildRun.build(
                request, host: host, images: images, cache: cache, contexts: world.context, pool: world.pool
            ) { _ in }
            #expect(host.ran.take() == ["touch a"])
        }
    }

    @Test("the cache is made smaller from what was used least on")
    func shrink() async throws {
        try await withWorld { world in
            _ = try await world.build("FROM base\nRUN touch aaaa\n")
            let size = try #require(await world.cache.all().first?.size)
            #expect(try await world.cache.shrink(to: size) == 0)
            _ = try await world.build("FROM base\nRUN touch bbbb\n")
            #expect(try await world.cache.shrink(to: size) == size)
            #expect(await world.cache.all().count == 1)
            #expect(try await world.cache.shrink(to: 0) == size)
            #expect(await world.cache.all().isEmpty)
        }
    }

    @Test("of a build the last step goes first: what is above a step that went is of no use")
    func shrinkFromTheEnd() async throws {
        try await withWorld { world in
            let file = "FROM base\nRUN touch aaaa\nRUN touch bbbb\nRUN touch cccc\n"
            _ = try await world.build(file)
            let size = await world.cache.all().reduce(0) { $0 + $1.size }
            try await world.cache.shrink(to: size - 1)
            let left = await world.cache.all().map(\.title).sorted()
            #expect(left.count == 2 && left[0].contains("aaaa") && left[1].contains("bbbb"), "\(left)")
            try await world.cache.shrink(to: size / 3)
            #expect(await world.cache.all().map { $0.title.contains("aaaa") } == [true])
        }
    }
}
