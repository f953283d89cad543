import Engine
import Testing

@Suite struct StepLimitsTests {
    @Test(
        "a step may have a part of the processes that the machine can, and never too few to work with",
        arguments: [
            (32768, 192_729, 4915), (4_194_304, 100_000, 15000), (nil, 10000, 1500), (32768, nil, 4915),
            (300, 300, 512),
            (nil, nil, 4915),
        ] as [(Int64?, Int64?, Int64)])
    func processes(_ pids: Int64?, _ threads: Int64?, _ limit: Int64) {
        #expect(StepLimits.processes(pids: pids, threads: threads) == limit)
    }
}
