import Glibc
import Images
import JSON
import Linux
import OCI
import Synchronization
import Testing

/// A layer that takes several pieces to transfer.
private let largeLayer = TarWriter.archive { tar in
    tar.add("large", data: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
}

/// Gives `body` a store with an image that was loaded under `name`.
private func withImage(
    _ name: String, layers: [[UInt8]] = [baseLayer, topLayer, largeLayer],
    _ body: (ImageStore, Reference, Image) async throws -> Void
) async throws {
    try await withStore { store, _ in
        let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: layers, tags: [name])])
        let image = try #require(try await store.load(from: stream(archive)).first?.image)
        try await body(store, Reference(name), image)
    }
}

private struct Told {
    let manifest: Descriptor
    let seen: [PushProgress]
    /// All that the manifest names.
    var blobs: [Descriptor] {
        if case .layers(let blobs)? = seen.first { blobs } else { [] }
    }
}

/// Runs a push, and returns what it told.
private func events(
    _ store: ImageStore, _ reference: Reference, credentials: RegistryCredentials = RegistryCredentials()
) async throws -> Told {
    let events = Mutex<[PushProgress]>([])
    let manifest = try await store.push(reference, credentials: credentials) { event in
        events.withLock { $0.append(event) }
    }
    return Told(manifest: manifest, seen: events.withLock { $0 })
}

@Suite(.enabled(if: isPrivileged && DebianRegistry.isInstalled)) struct DebianPushTests {
    @Test func whatIsPushedIsPulledAsTheSame() async throws {
        try await withTemporaryFolder { folder in
            try await DebianRegistry.with(folder) { registry in
                try await withImage("\(registry.address)/team/a:1") { store, reference, image in
                    let first = try await events(store, reference)
                    let manifest = first.manifest
                    #expect(first.blobs.count == 4 && first.blobs.last?.digest == image.id)
                    // Stored bare, they go out compressed.
                    #expect(first.blobs.prefix(3).allSatisfy { $0.mediaType == MediaType.layerGzip })
                    #expect(first.blobs[2].size < image.layers[2].size)
                    for blob in first.blobs {
                        #expect(first.seen.contains(.transferred(blob.digest, done: blob.size, total: blob.size)))
                        #expect(first.seen.contains(.pushed(blob.digest)))
                    }
                    #expect(await store.list().first?.repositoryDigest == manifest.digest)
                    try await withStore { other, _ in
                        let pulled = try await other.pull(reference)
                        #expect(pulled.id == image.id)
                        #expect(pulled.manifestDigest == manifest.digest)
                        #expect(pulled.config == image.config)
                    }
                    let remote = try await store.remoteImage(reference)
                    #expect(remote.descriptor.digest == manifest.digest)
                    #expect(remote.platforms.map(\.architecture) == [image.config.architecture])

                    // Again nothing is sent, and under another name it is taken over.
                    let again = try await events(store, reference)
                    #expect(again.manifest == manifest)
                    #expect(Set(first.blobs.map { .present($0.digest) }).isSubset(of: again.seen))
                    #expect(!again.seen.contains { if case .transferred = $0 { true } else { false } })
                    let second = try Reference("\(registry.address)/team/b:2")
                    try await store.tag(reference.familiar, as: second)
                    let mounted = try await events(store, second)
                    #expect(mounted.manifest.digest == manifest.digest)
                    #expect(
                        Set(first.blobs.map { .mounted($0.digest, from: "team/a") }).isSubset(of: mounted.seen),
                        "\(mounted.seen)")
                    try await withStore { other, _ in
                        let pulled = try await other.pull(second)
                        #expect(pulled.id == image.id)
                    }
                }
            }
        }
    }

    @Test func anImageThatWasPulledIsPushedWithItsDigest() async throws {
        try await withTemporaryFolder { folder in
            try await DebianRegistry.with(folder) { registry in
                let archive = ArchiveBuilder(layers: [baseLayer, largeLayer], tags: ["a:1"])
                try writeFileAtomically("\(folder)/a.tar", ArchiveBuilder.archive([archive]))
                try registry.push("\(folder)/a.tar", as: "from/a:1", format: "v2s2")
                try await withStore { store, _ in
                    let pulled = try await store.pull(Reference("\(registry.address)/from/a:1"))
                    let target = try Reference("\(registry.address)/to/a:1")
                    try await store.tag("\(registry.address)/from/a:1", as: target)
                    #expect(try await store.push(target).digest == pulled.manifestDigest)
                }
            }
        }
    }

    @Test func severalAtOnceDoNotDisturbEachOther() async throws {
        try await withTemporaryFolder { folder in
            try await DebianRegistry.with(folder) { registry in
                try await withImage("\(registry.address)/a:1") { store, reference, image in
                    let names = try (1...6).map { try Reference("\(registry.address)/r\($0 % 3)/a:\($0)") }
                    for name in names { try await store.tag(reference.familiar, as: name) }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for name in names { group.addTask { try await store.push(name) } }
                        try await group.waitForAll()
                    }
                    for name in names {
                        try await withStore { other, _ in
                            let pulled = try await other.pull(name)
                            #expect(pulled.id == image.id)
                        }
                    }
                }
            }
        }
    }
}

/// A registry that takes what is sent: uploads at `/u/N?state=S`, each request after `interfere` had its say.
private final class TakingRegistry: Sendable {
    private struct State {
        var blobs: [String: [UInt8]] = [:]
        var manifests: [String: [UInt8]] = [:]
    }
    private let state = Mutex(State())
    private let interfere: @Sendable (ScriptedRegistry.Request) -> ScriptedRegistry.Answer?

    init(_ interfere: @escaping @Sendable (ScriptedRegistry.Request) -> ScriptedRegistry.Answer? = { _ in nil }) {
        self.interfere = interfere
    }

    var blobs: [String: [UInt8]] { state.withLock { $0.blobs } }
    var manifests: [String: [UInt8]] { state.withLock { $0.manifests } }

    func answer(_ request: ScriptedRegistry.Request) -> ScriptedRegistry.Answer {
        if let answer = interfere(request) { return answer }
        let path = request.path.prefix { $0 != "?" }
        switch request.method {
        case "HEAD": return .init(status: blobs[String(path.split(separator: "/").last ?? "")] == nil ? 404 : 200)
        case "POST": return .init(status: 202, headers: ["Location": "/u/\(request.repetition)?state=a%2Fb"])
        case "PUT" where path.contains("/manifests/"):
            state.withLock { $0.manifests[String(path)] = request.body }
            return .init(status: 201)
        default:
            guard let place = request.path.firstRange(of: "state=a%2Fb&digest=sha256%3A") else {
                return .init(status: 400)
            }
            let hex = String(request.path[place.upperBound...])
            guard digest(of: request.body).hex == hex else { return .init(status: 400) }
            state.withLock { $0.blobs["sha256:\(hex)"] = request.body }
            return .init(status: 201)
        }
    }
}

@Suite(.enabled(if: isPrivileged)) struct PushTests {
    /// Pushes an image to a registry that `interfere`s.
    private func push(
        to taking: TakingRegistry, credentials: [String: String] = [:],
        _ check: (ScriptedRegistry, Image, Result<[PushProgress], any Error>) async throws -> Void
    ) async throws {
        let registry = try ScriptedRegistry { taking.answer($0) }
        try await registry.serve { address in
            try await withImage("\(address)/a:1") { store, reference, image in
                let logins = RegistryCredentials(
                    encoded: Dictionary(uniqueKeysWithValues: credentials.map { ($0 == "" ? address : $0, $1) }))
                let result: Result<[PushProgress], any Error>
                do { result = .success(try await events(store, reference, credentials: logins).seen) } catch {
                    result = .failure(error)
                }
                try await check(registry, image, result)
            }
        }
    }

    @Test func anUploadThatBreaksBeginsAnew() async throws {
        let attempts = Mutex<[Substring: Int]>([:])
        let breaking = TakingRegistry { request in
            guard request.method == "PUT", request.path.hasPrefix("/u/") else { return nil }
            let count = attempts.withLock { attempts in
                attempts[request.path.suffix(64), default: 0] += 1
                return attempts[request.path.suffix(64)] ?? 0
            }
            switch count {
            case 1: return .init(status: 0)
            case 2: return .init(status: 503)
            case 3: return .init(status: 404)
            default: return nil
            }
        }
        try await push(to: breaking) { registry, image, result in
            _ = try result.get()
            #expect(attempts.withLock { $0.values.map { $0 } } == [4, 4, 4, 4])
            // Each attempt has a place of its own.
            let places = registry.log.filter { $0.method == "PUT" && $0.path.hasPrefix("/u/") }
                .map { $0.path.prefix { $0 != "?" } }
            #expect(Set(places).count == places.count, "\(places)")
        }
    }

    @Test func anUploadWhoseBytesWereSpoiledIsSentOnceMore() async throws {
        let attempts = Mutex<[Substring: Int]>([:])
        let spoiling = TakingRegistry { request in
            guard request.method == "PUT", request.path.hasPrefix("/u/") else { return nil }
            let count = attempts.withLock { attempts in
                attempts[request.path.suffix(64), default: 0] += 1
                return attempts[request.path.suffix(64)] ?? 0
            }
            let words = "provided digest did not match uploaded content"
            let body = Array(#"{"errors":[{"code":"DIGEST_INVALID","message":"\#(words)"}]}"#.utf8)
            return count == 1 ? .init(status: 400, body: body) : nil
        }
        try await push(to: spoiling) { _, _, result in
            _ = try result.get()
            #expect(attempts.withLock { $0.values.map { $0 } } == [2, 2, 2, 2])
        }
    }

    @Test func aLayerIsCompressedToTheSameBytesAgain() async throws {
        let first = TakingRegistry()
        let second = TakingRegistry()
        let (one, two) = (try ScriptedRegistry { first.answer($0) }, try ScriptedRegistry { second.answer($0) })
        try await one.serve { address in
            try await two.serve { other in
                try await withImage("\(address)/a:1") { store, reference, _ in
                    let manifest = try await store.push(reference)
                    let name = try Reference("\(other)/b:1")
                    try await store.tag(reference.familiar, as: name)
                    // It is known what it is called, and its bytes are needed again.
                    #expect(try await store.push(name) == manifest)
                    #expect(first.blobs == second.blobs && first.blobs.count == 4)
                    #expect(first.manifests.values.first == second.manifests.values.first)
                }
            }
        }
    }

    @Test func aTokenIsAskedForThatAllowsThePushAndGoesToTheRegistryAlone() async throws {
        let address = Mutex("")
        let storage = TakingRegistry { request in
            #expect(request.headers["authorization"] == nil)
            return nil
        }
        let elsewhere = try ScriptedRegistry { storage.answer($0) }
        let taking = TakingRegistry { request in
            if request.path.hasPrefix("/token") {
                let isRight = request.headers["authorization"] == "Basic dXNlcjpwYTpzcw=="
                return .init(status: isRight ? 200 : 401, body: Array(#"{"token":"T0"}"#.utf8))
            }
            guard request.headers["authorization"] == "Bearer T0" else {
                let realm =
                    "Bearer realm=\"http://\(address.withLock { $0 })/token\",service=\"s\",scope=\"repository:a:pull\""
                return .init(status: 401, headers: ["WWW-Authenticate": realm])
            }
            guard request.method == "POST" else { return nil }
            return .init(
                status: 202, headers: ["Location": "http://\(elsewhere.address)/u/\(request.repetition)?state=a%2Fb"])
        }
        let registry = try ScriptedRegistry { taking.answer($0) }
        address.withLock { $0 = registry.address }
        try await elsewhere.serve { _ in
            try await registry.serve { address in
                try await withImage("\(address)/a:1") { store, reference, image in
                    let credentials = RegistryCredentials(encoded: [address: "dXNlcjpwYTpzcw=="])
                    _ = try await store.push(reference, credentials: credentials)
                    let tokens = registry.log.filter { $0.path.hasPrefix("/token") }.map(\.path)
                    #expect(
                        Set(tokens) == ["/token?scope=repository%3Aa%3Apull%2Cpush&service=s&account=user"],
                        "\(tokens)")
                    #expect(storage.blobs.count == image.layers.count + 1)
                    #expect(taking.manifests.keys.sorted() == ["/v2/a/manifests/1"])
                }
            }
        }
    }

    @Test(
        "what a registry refuses is said in its words",
        arguments: [
            ("POST", 403, "denied: no quota", "push access denied for"),
            ("POST", 405, "read only", "answers 405 to an upload"),
            ("PUT", 400, "digest invalid", "digest invalid"), ("PUT /v2", 400, "manifest invalid", "manifest invalid"),
        ])
    func refusals(_ at: String, _ status: Int, _ words: String, _ expected: String) async throws {
        let taking = TakingRegistry { request in
            guard "\(request.method) \(request.path)".hasPrefix(at) else { return nil }
            if at == "PUT", request.path.contains("/manifests/") { return nil }
            return .init(status: status, body: Array(#"{"errors":[{"code":"X","message":"\#(words)"}]}"#.utf8))
        }
        try await push(to: taking) { _, _, result in
            let error = #expect(throws: ImageError.self) { try result.get() }
            expectText(error, has: expected)
            expectText(error, has: words)
            #expect(taking.manifests.isEmpty)
        }
    }

    @Test func aPushThatIsGivenUpEnds() async throws {
        let taking = TakingRegistry { request in
            if request.method == "PUT" { usleep(200_000) }
            return nil
        }
        let registry = try ScriptedRegistry { taking.answer($0) }
        try await registry.serve { address in
            try await withImage("\(address)/a:1") { store, reference, _ in
                let begun = Mutex(false)
                let work = Task {
                    try await store.push(reference) { event in
                        if case .transferred = event { begun.withLock { $0 = true } }
                    }
                }
                while !begun.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
                work.cancel()
                await #expect(throws: CancellationError.self) { try await work.value }
                #expect(taking.manifests.isEmpty)
                // The store is as it was.
                #expect(try await store.push(reference).size > 0)
            }
        }
    }

    @Test func whatIsNotHereOrNotATagIsNotPushed() async throws {
        try await withImage("127.0.0.1:1/a:1") { store, reference, image in
            let missing = try Reference("127.0.0.1:1/b:1")
            #expect(await #expect(throws: ImageError.self) { try await store.push(missing) } == .notFound("\(missing)"))
            let exact = reference.at(image.manifestDigest)
            let error = await #expect(throws: ImageError.self) { try await store.push(exact) }
            expectText(error, has: "an image is pushed under a tag")
        }
    }
}
