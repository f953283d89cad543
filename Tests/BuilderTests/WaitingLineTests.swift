import Builder
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

@Suite struct WaitingLineTests {
    @Test("who came first is woken first, and being woken before waiting is not missed")
    func order() async throws {
        let line = WaitingLine()
        let (first, second) = (line.join(), line.join())
        #expect(line.wakeFirst())
        try await line.wait(first)
        line.wakeAll()
        try await line.wait(second)
        #expect(!line.wakeFirst())
    }

    @Test("one that is cancelled waits no more, and takes nobody's turn")
    func cancelled() async throws {
        let line = WaitingLine()
        let (first, second) = (line.join(), line.join())
        let waiter = Task { try await line.wait(first) }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        #expect(line.wakeFirst())
        try await line.wait(second)
    }
}

@Suite struct SharedStepTests {
    private struct Broken: Error {}

    private func withCache(_ body: (BuildCache) async throws -> Void) async throws {
        let folder = "/tmp/berth-shared-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? removeTree(folder) }
        try makeFolders(folder)
        let images = try ImageStore(root: "\(folder)/store", blockingOn: BlockingPool(name: "images", limit: 4))
        let cache = BuildCache(
            root: "\(folder)/store/builds", images: images, pool: BlockingPool(name: "test", limit: 4), turns: 1
        ) { 0 }
        try await cache.load()
        try await body(cache)
    }

    private static let key = digest(of: "a step".utf8)

    private static func record(_ title: String) -> CacheRecord {
        CacheRecord(key: key, layers: [], madeLayer: false, title: title, kind: "run", created: 0, used: 0)
    }

    @Test("who waits for a step that another build makes can give up, and the other goes on")
    func waiterGivesUp() async throws {
        try await withCache { cache in
            let (gate, begun) = (Gate(), Gate())
            let maker = Task {
                try await cache.result(Self.key) { _ in
                    begun.open()
                    await gate.wait()
                    return Self.record("first")
                }
            }
            await begun.wait()
            let waiter = Task { try await cache.result(Self.key) { _ in Self.record("second") } }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
            gate.open()
            let made = try await maker.value
            #expect(made.title == "first")
        }
    }

    @Test(
        "a step goes on for those who wait when its maker is cancelled, and ends with the last of them",
        .timeLimit(.minutes(1)))
    func goesOn() async throws {
        let (making, gate) = (StepMaking(), Gate())
        making.begin(
            Task {
                await gate.wait()
                making.settle(.success(Self.record("first")))
            })
        let maker = Task { try await making.result(isMaker: true, staysWithMaker: false) }
        let waiter = Task { try await making.result(isMaker: false, staysWithMaker: false) }
        while making.waiting < 2 { await Task.yield() }
        maker.cancel()
        await #expect(throws: CancellationError.self) { try await maker.value }
        gate.open()
        #expect(try await waiter.value.title == "first")

        let (last, ended) = (StepMaking(), Gate())
        last.begin(
            Task {
                try? await Task.sleep(for: .seconds(3600))
                ended.open()
            })
        let one = Task { try await last.result(isMaker: true, staysWithMaker: false) }
        one.cancel()
        await #expect(throws: CancellationError.self) { try await one.value }
        await ended.wait()
    }

    @Test("when the build that makes a step is cancelled and the step needs it, one that waits for it makes it")
    func makerGivesUp() async throws {
        try await withCache { cache in
            let begun = Gate()
            let maker = Task {
                try await cache.result(Self.key, staysWithMaker: true) { _ in
                    begun.open()
                    try await Task.sleep(for: .seconds(3600))
                    return Self.record("first")
                }
            }
            await begun.wait()
            let waiter = Task { try await cache.result(Self.key) { _ in Self.record("second") } }
            maker.cancel()
            let made = try await waiter.value
            #expect(made.title == "second")
            await #expect(throws: CancellationError.self) { try await maker.value }
        }
    }

    @Test("who waits for a turn can give up, and the turn goes to the next")
    func turns() async throws {
        try await withCache { cache in
            let (gate, begun) = (Gate(), Gate())
            let first = Task {
                try await cache.turns.perform {
                    begun.open()
                    await gate.wait()
                }
            }
            await begun.wait()
            let second = Task { try await cache.turns.perform {} }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            gate.open()
            try await first.value
            try await cache.turns.perform {}
        }
    }

    @Test("a locked cache mount is waited for, given up, and given back when its folder cannot be made")
    func lockedMount() async throws {
        try await withCache { cache in
            let held = try await cache.mounts.take("a", .locked)
            let waiter = Task { try await cache.mounts.take("a", .locked) }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
            await cache.mounts.release(held)
            try removeTree("\(cache.root)/mounts")
            try writeFileAtomically("\(cache.root)/mounts", [])
            await #expect(throws: (any Error).self) { try await cache.mounts.take("a", .locked) }
            unlink("\(cache.root)/mounts")
            #expect(try await cache.mounts.take("a", .locked) == held)
        }
    }

    @Test("a cache mount that was filled halfway is filled from the beginning")
    func halfFilled() async throws {
        try await withCache { cache in
            let folder = try await cache.mounts.take("a", .shared)
            await #expect(throws: Broken.self) {
                try await cache.mounts.fill(folder) { data in
                    try writeFileAtomically("\(data)/half", [])
                    throw Broken()
                }
            }
            try await cache.mounts.fill(folder) { try writeFileAtomically("\($0)/whole", []) }
            try await cache.mounts.fill(folder) { try writeFileAtomically("\($0)/again", []) }
            #expect(try folderEntries("\(folder)/data") == ["whole"])
        }
    }
}

/// Opened once, for all who wait.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    // The mutex guards both.
    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
