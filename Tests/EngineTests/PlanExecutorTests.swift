import Engine
import EngineWire
import Reconcile
import Synchronization
import Testing

@Suite("Carrying out a plan") struct PlanExecutorTests {
    /// Counts actions under way.
    private final class Gauge: Sendable {
        // The mutex guards both: actions run on any thread.
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func during(_ body: () async -> Void) async {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            await body()
            state.withLock { $0.now -= 1 }
        }
    }

    private func volumes(_ count: Int) -> Plan {
        Plan(
            actions: (1...count).map { number in
                PlannedAction(
                    number: number, action: .createVolume(key: "\(number)", name: "\(number)"), after: [], reason: "")
            })
    }

    @Test("no more at once than asked for, and all of them in the end", arguments: [1, 3])
    func limited(_ limit: Int) async {
        let gauge = Gauge()
        let result = await PlanExecutor(limit: limit, isCancelled: { false }) { _ in
            await gauge.during { for _ in 0..<5 { await Task.yield() } }
        }.run(volumes(20))
        #expect(result.done == 20)
        #expect((1...limit).contains(gauge.most))
    }

    @Test("an action that only waits takes no place: what it waits for may not have begun")
    func waiting() async {
        let (stream, signal) = AsyncStream.makeStream(of: Void.self)
        let plan = Plan(actions: [
            PlannedAction(number: 1, action: .wait(service: "a", .healthy, required: true), after: [], reason: ""),
            PlannedAction(number: 2, action: .createVolume(key: "v", name: "v"), after: [], reason: ""),
        ])
        let result = await PlanExecutor(limit: 1, isCancelled: { false }) { planned in
            if case .wait = planned.action {
                for await _ in stream { break }
            } else {
                signal.yield()
            }
        }.run(plan)
        #expect(result.done == 1)
    }

    @Test("a failure takes what depends on it, and only that; the rest goes on within the limit")
    func failing() async {
        var plan = volumes(4)
        plan.actions[1].after = [1]
        let result = await PlanExecutor(limit: 1, isCancelled: { false }) { planned in
            if planned.number == 1 { throw EngineFailure(code: "failed", message: "no") }
        }.run(plan)
        #expect(result.done == 2)
        #expect(result.failures.map(\.message) == ["no"])
    }
}
