import Engine
import Testing

/// The whole engine on a machine that fails and crashes: each seed is a life that can be told again.
@Suite(.serialized) struct EngineLifeTests {
    @Test("no verb, fault or crash loses data that nobody gave up", .timeLimit(.minutes(1)), arguments: 0..<25)
    func keepsVolumes(seed: Int) async throws {
        let life = try await EngineLife(seed: UInt64(seed))
        for _ in 0..<8 {
            let lost = try await life.step()
            #expect(lost.isEmpty, "seed \(seed): \(life.story)")
        }
    }
}
