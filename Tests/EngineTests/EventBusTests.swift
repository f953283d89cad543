import Testing

@testable import Engine

struct EventBusTests {
    private func bus(at now: Int64) -> EventBus {
        let bus = EventBus { now }
        for time: Int64 in [10, 20, 30, 40] {
            bus.publish(EngineEvent(.container, "start", id: "c\(time)", time: time))
        }
        return bus
    }

    @Test(
        "what is kept is told in full, also when the end that was asked for is past, every time",
        arguments: [
            (since: 0, until: 50, times: [10, 20, 30, 40]), (20, 30, [20, 30]), (0, 5, []), (41, 45, []),
            (40, 40, [40]), (30, Int64.min, []),
        ] as [(since: Int64, until: Int64, times: [Int64])])
    func ended(since: Int64, until: Int64, times: [Int64]) async {
        let bus = bus(at: 50)
        for _ in 0..<200 {
            var told: [Int64] = []
            for await event in bus.events(since: since, until: until) { told.append(event.time) }
            #expect(told == times)
        }
        #expect(bus.listeners == 0)
    }

    @Test("an end that is to come is waited for: what happens until then is told, what is later is not")
    func ending() async {
        let bus = bus(at: 50)
        let events = bus.events(since: 40, until: 50 + 50_000_000)
        bus.publish(EngineEvent(.container, "die", id: "a", time: 60))
        bus.publish(EngineEvent(.container, "die", id: "b", time: 50 + 50_000_001))
        var told: [String] = []
        for await event in events { told.append(event.id) }
        #expect(told == ["c40", "a"])
    }

    @Test("nobody listens once a reader has left")
    func leaving() async {
        let bus = bus(at: 50)
        for await event in bus.events(since: 0, until: .max) where event.time == 30 { break }
        #expect(bus.listeners == 0)
    }
}
