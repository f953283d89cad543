import Images
import JSON
import OCI
import Testing

private func digest(_ letter: Character) -> Digest {
    Digest(algorithm: .sha256, hex: String(repeating: letter, count: 64)) ?? Images.digest(of: [])
}

private func layer(_ letter: Character) -> BuiltLayer {
    BuiltLayer(
        diffID: digest(letter), blob: Descriptor(mediaType: MediaType.layer, digest: digest(letter), size: 1), size: 1)
}

/// What a registry would have: documents by digest, and the one on top.
private struct Outside {
    var blobs: [Digest: [UInt8]] = [:]
    var top = Descriptor(mediaType: MediaType.manifest, digest: digest("0"), size: 0)

    mutating func put(_ text: String, _ mediaType: String) -> Descriptor {
        let bytes = Array(text.utf8)
        let descriptor = Descriptor(mediaType: mediaType, digest: Images.digest(of: bytes), size: Int64(bytes.count))
        blobs[descriptor.digest] = bytes
        return descriptor
    }

    func cache() async throws -> OutsideCache {
        let blobs = blobs
        @Sendable func read(_ descriptor: Descriptor) throws -> [UInt8] {
            guard let bytes = blobs[descriptor.digest] else { throw ImageError.notFound("\(descriptor.digest)") }
            return bytes
        }
        let documents = OutsideDocuments {
            try read($0)
        } blob: { blob, _ in
            try read(blob)
        }
        return try await documents.cache(
            top, read(top), platform: Platform(os: "linux", architecture: "amd64"))
    }
}

private let cacheType = "application/vnd.buildkit.cacheconfig.v0"

/// As BuildKit writes it: a parent of 0 is left out, and so are empty lists.
private let written = """
    {"layers":[{"blob":"\(digest("a"))","parent":-1},{"blob":"\(digest("b"))"},{"blob":"\(digest("c"))","parent":1}],
     "records":[
       {"digest":"\(digest("1"))"},
       {"layers":[{"layer":1,"createdAt":"2020-01-01T00:00:00Z"}],"digest":"\(digest("2"))","inputs":[[{"link":0}]]},
       {"layers":[{"layer":2}],"digest":"\(digest("3"))"},
       {"chains":[{"layers":[0,1,2]}],"digest":"\(digest("4"))"},
       {"layers":[{"layer":9}],"digest":"\(digest("5"))"},
       {"layers":[{"layer":0}],"digest":"random:1234"}]}
    """

private func blobs(_ letters: String) -> String {
    letters.map { letter in
        """
        {"mediaType":"\(MediaType.layerGzip)","digest":"\(digest(letter))","size":7,
         "annotations":{"containerd.io/uncompressed":"\(digest(letter))"}}
        """
    }.joined(separator: ",")
}

@Suite struct StepCacheTests {
    @Test(
        "a cache is read in both forms that BuildKit has, and a step is found above what it begins with",
        arguments: [true, false])
    func forms(isManifest: Bool) async throws {
        var outside = Outside()
        let config = outside.put(written, cacheType)
        let entry = #"{"mediaType":"\#(cacheType)","digest":"\#(config.digest)","size":\#(config.size)}"#
        if isManifest {
            outside.top = outside.put(
                #"{"schemaVersion":2,"config":\#(entry),"layers":[\#(blobs("abc"))]}"#, MediaType.manifest)
        } else {
            outside.top = outside.put(
                #"{"schemaVersion":2,"manifests":[\#(blobs("abc")),\#(entry)]}"#, MediaType.index)
        }
        let cache = try await outside.cache()
        #expect(cache.image == nil && cache.steps.layers.map(\.parent) == [nil, 0, 1])
        let second = try #require(cache.steps.result(of: digest("2"), above: [layer("a")]))
        #expect(second.layer?.diffID == digest("b") && second.created == "2020-01-01T00:00:00Z")
        // A step that changes nothing ends in what it began with.
        let same = try #require(cache.steps.result(of: digest("2"), above: [layer("a"), layer("b")]))
        #expect(same.layer == nil)
        for key in ["3", "4"] as [Character] {
            #expect(cache.steps.result(of: digest(key), above: [layer("a"), layer("b")])?.layer?.diffID == digest("c"))
            #expect(cache.steps.result(of: digest(key), above: [layer("b")]) == nil, "it lies on something else")
        }
        #expect(cache.steps.result(of: digest("5"), above: []) == nil)
    }

    @Test("a layer whose blob is missing, and what lies on it, are not there")
    func missingBlob() async throws {
        var outside = Outside()
        let config = outside.put(written, cacheType)
        outside.top = outside.put(
            """
            {"schemaVersion":2,"config":{"mediaType":"\(cacheType)","digest":"\(config.digest)","size":\(config.size)},
             "layers":[\(blobs("ac"))]}
            """, MediaType.manifest)
        let cache = try await outside.cache()
        #expect(cache.steps.records.isEmpty && cache.steps.layers.count == 2)
    }

    @Test("layers that lie on each other in a circle lead to nothing")
    func circle() async throws {
        var outside = Outside()
        let config = outside.put(
            """
            {"layers":[{"blob":"\(digest("a"))","parent":1},{"blob":"\(digest("b"))","parent":0}],
             "records":[{"digest":"\(digest("1"))","layers":[{"layer":0}]}]}
            """, cacheType)
        outside.top = outside.put(
            """
            {"schemaVersion":2,"config":{"mediaType":"\(cacheType)","digest":"\(config.digest)","size":\(config.size)},
             "layers":[\(blobs("ab"))]}
            """, MediaType.manifest)
        #expect(try await outside.cache().steps.records.isEmpty)
    }

    @Test("what goes into an image is read from it with the image's own layers; steps of other images are left out")
    func inline() async throws {
        var steps = StepCache()
        steps.add(digest("1"), [layer("a")], created: "2020-01-01T00:00:00Z")
        steps.add(digest("2"), [layer("a"), layer("b")], created: nil)
        steps.add(digest("3"), [layer("a"), layer("c")], created: nil)
        let text = try #require(try steps.inline(for: [layer("a"), layer("b")]))
        #expect(try StepCache().inline(for: [layer("a")]) == nil)
        var outside = Outside()
        var image = ImageConfig(architecture: "amd64", rootfs: .init(diffIDs: [digest("a"), digest("b")]))
        image.stepCache = text
        let config = outside.put(String(decoding: try encodeJSON(image), as: UTF8.self), MediaType.config)
        outside.top = outside.put(
            """
            {"schemaVersion":2,"config":{"mediaType":"\(MediaType.config)","digest":"\(config.digest)","size":1},
             "layers":[\(blobs("ab"))]}
            """, MediaType.manifest)
        let cache = try await outside.cache()
        #expect(cache.image?.layers.count == 2 && cache.steps.records.map(\.key) == [digest("1"), digest("2")])
        #expect(cache.steps.result(of: digest("1"), above: [])?.layer?.diffID == digest("a"))
        #expect(cache.steps.result(of: digest("2"), above: [layer("a")])?.layer?.diffID == digest("b"))
    }

    @Test("what is no cache says so", arguments: ["{}", #"{"layers":"x"}"#, "not JSON", #"{"architecture":"amd64"}"#])
    func noCache(_ text: String) async throws {
        for type in [cacheType, MediaType.config] {
            var outside = Outside()
            let config = outside.put(text, type)
            outside.top = outside.put(
                """
                {"schemaVersion":2,"config":{"mediaType":"\(type)","digest":"\(config.digest)","size":1},"layers":[]}
                """, MediaType.manifest)
            let cache = try? await outside.cache()
            #expect(cache?.steps.records.isEmpty ?? true)
        }
    }

    @Test(
        "of a layout the only entry is meant, the one called latest, or the one that is named",
        arguments: [
            (["one"], nil, nil, "one"), (["one", "latest"], nil, nil, "latest"), (["a", "host/app:b"], "b", nil, "b"),
            (["a", "b"], nil, nil, nil), (["a"], "b", nil, nil), ([], nil, nil, nil), (["a", "b"], nil, "b", "b"),
        ] as [([String], String?, Character?, String?)])
    func layoutEntry(_ names: [String], _ tag: String?, _ wanted: Character?, _ expected: String?) throws {
        var index = Index(manifests: [])
        for name in names {
            var entry = Descriptor(
                mediaType: MediaType.manifest, digest: digest(name.last == "e" ? "e" : name.last ?? "f"), size: 1)
            entry.annotations = [LayoutIndex.nameAnnotation: name]
            index.manifests.append(entry)
        }
        let layout = try LayoutIndex(try encodeJSON(index))
        let found = try? layout.entry(tag: tag, digest: wanted.map { digest($0) })
        #expect(
            found?.annotations?[LayoutIndex.nameAnnotation].flatMap { $0.split(separator: ":").last.map(String.init) }
                == expected)
    }
}
