import Linux
import Synchronization
import Testing

@Suite struct BlockingPoolTests {
    @Test("work is done although the machine has no room for a thread at first", .timeLimit(.minutes(1)))
    func noRoomForThreads() async throws {
        let failures = Mutex(3)
        let pool = BlockingPool(name: "crowded", limit: 2) { body in
            let fails = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            return fails ? false : BlockingPool.beginThread(body)
        }
        async let first = pool.runInfallible { 1 }
        async let second = pool.runInfallible { 2 }
        #expect(await first + second == 3)
        #expect(failures.withLock { $0 } < 0)
    }
}
