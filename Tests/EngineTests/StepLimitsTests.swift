import Engine
import Testing

@Suite struct StepLimitsTests {
    @Test(
        "a step may have enough processes for all processors, and only a part of what the machine can",
        arguments: [
            (32768, 192_729, 2, 4096), (4_194_304, 192_729, 2, 4096), (4_194_304, 2_000_000, 64, 32768),
            (32768, 2_000_000, 64, 4915), (nil, 10000, 8, 1500), (300, 300, 8, 512), (nil, nil, 0, 4096),
        ] as [(Int64?, Int64?, Int, Int64)])
    func processes(_ pids: Int64?, _ threads: Int64?, _ processors: Int, _ limit: Int64) {
        #expect(StepLimits.processes(pids: pids, threads: threads, processors: processors) == limit)
    }
}
