import Engine
import EngineWire
import Testing

/// The whole engine on a machine that fails and crashes: each seed is a life that can be told again.
@Suite(.serialized) struct EngineLifeTests {
    @Test(
        "whatever happened, a last up converges, another plans nothing, and no data was lost that nobody gave up",
        .timeLimit(.minutes(1)), arguments: 0..<25)
    func converges(seed: Int) async throws {
        let life = try await EngineLife(seed: UInt64(seed))
        for _ in 0..<8 {
            let lost = try await life.step()
            #expect(lost.isEmpty, "seed \(seed): \(life.story)")
        }
        let (up, then) = try await life.settle()
        #expect(up.status == .succeeded, "seed \(seed): \(up.errors.map(\.message)) \(life.story)")
        #expect(then.actions.isEmpty, "seed \(seed): \(then.actions.map(\.text)) \(life.story)")
        let world = life.world
        #expect(world.containers.values.allSatisfy { $0 }, "seed \(seed): \(life.story)")
        #expect(world.containers.count == 4, "seed \(seed): \(world.containers.count) \(life.story)")
        #expect(world.volumes.contains(EngineLife.volume), "seed \(seed): \(life.story) \(world.journal)")
        #expect(world.networks == ["demo_default"])
    }
}
