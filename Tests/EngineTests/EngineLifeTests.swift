import Engine
import Glibc
import Testing

/// The whole engine on a machine that fails and crashes: each seed is a life that can be told again.
@Suite struct EngineLifeTests {
    /// `BERTH_LIVES=FIRST..LAST` chooses others.
    static let seeds: [Int] = {
        guard let text = getenv("BERTH_LIVES").map({ String(cString: $0) }) else { return Array(0..<50) }
        let ends = text.split(separator: ".").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, first <= last else { return [] }
        return Array(first...last)
    }()

    @Test(
        "no verb, fault or crash loses data or does harm, and in the end all is as it was asked for",
        .timeLimit(.minutes(2)), arguments: seeds)
    func life(seed: Int) async throws {
        let life = try await EngineLife(seed: UInt64(seed))
        for _ in 0..<8 {
            let complaints = try await life.step()
            try #require(complaints.isEmpty, "seed \(seed): \(life.story)\n\(life.journal.suffix(80))")
        }
        let complaints = try await life.settle()
        #expect(complaints.isEmpty, "seed \(seed): \(life.story)\n\(life.journal.suffix(80))")
    }
}
