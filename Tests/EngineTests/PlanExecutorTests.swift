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
                    number: number, action: .createVolume(key: "\(number)", name: "\(number)"), after: [],
                    reason: .askedFor)
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
            PlannedAction(
                number: 1, action: .wait(service: "a", .healthy, required: true), after: [], reason: .askedFor),
            PlannedAction(number: 2, action: .createVolume(key: "v", name: "v"), after: [], reason: .askedFor),
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
            if planned.number == 1 { throw EngineFailure(code: .failed, message: "no") }
        }.run(plan)
        #expect(result.done == 2)
        #expect(result.failures.map(\.message) == ["no"])
    }

    /// Starts of a, b, c, each after the one before; c also after something else.
    private var chain: Plan {
        func start(_ number: Int, _ service: String, _ after: [Int]) -> PlannedAction {
            PlannedAction(
                number: number, action: .start(.numbered(service: service, 1), existing: nil), after: after,
                reason: .askedFor)
        }
        return Plan(actions: [
            start(1, "a", []), start(2, "b", [1]),
            PlannedAction(
                number: 3, action: .wait(service: "a", .healthy, required: true), after: [1], reason: .askedFor),
            start(4, "c", [2, 3]),
        ])
    }

    @Test("what waits for starts alone is prepared, what waits for more is not yet; each starts in its turn")
    func preparing() async {
        let told = Mutex<[String]>([])
        let (stream, signal) = AsyncStream.makeStream(of: Void.self)
        let preparation = PlanExecutor.Preparation { planned in
            told.withLock { $0.append("prepare \(planned.number)") }
            signal.yield()
        } giveUp: { planned in
            told.withLock { $0.append("give up \(planned.number)") }
        }
        let result = await PlanExecutor(isCancelled: { false }, preparation: preparation) { planned in
            // The first start is not over before the second is prepared, nor the second before the third.
            if [1, 2].contains(planned.number) { for await _ in stream { break } }
            told.withLock { $0.append("\(planned.number)") }
        }.run(chain)
        #expect(result.done == 3)
        let order = told.withLock { $0 }
        #expect(order.filter { Int($0) != nil && $0 != "3" } == ["1", "2", "4"])
        #expect(order.firstIndex(of: "prepare 2").map { $0 < order.firstIndex(of: "1") ?? -1 } == true)
        #expect(order.firstIndex(of: "prepare 4").map { $0 > order.firstIndex(of: "3") ?? .max } == true)
        #expect(!order.contains { $0.hasPrefix("give up") })
    }

    @Test("what was prepared and never starts is given up")
    func givingUp() async {
        let told = Mutex<[String]>([])
        let (stream, signal) = AsyncStream.makeStream(of: Void.self)
        let preparation = PlanExecutor.Preparation { _ in
            signal.yield()
        } giveUp: { planned in
            told.withLock { $0.append("give up \(planned.number)") }
        }
        _ = await PlanExecutor(isCancelled: { false }, preparation: preparation) { planned in
            for await _ in stream { break }
            throw EngineFailure(code: .failed, message: "no")
        }.run(chain)
        #expect(told.withLock { $0 } == ["give up 2"])
    }
}
