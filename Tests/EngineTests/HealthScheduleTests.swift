import Engine
import EngineWire
import Reconcile
import Testing

@Suite struct HealthScheduleTests {
    private static func schedule(startPeriod: Duration = .zero, retries: Int = 2) -> HealthSchedule {
        HealthSchedule(
            ResolvedHealthcheck(
                arguments: ["true"], interval: .seconds(1), timeout: .seconds(1), startPeriod: startPeriod,
                retries: retries))
    }

    @Test("probes come early at first, twice as far apart each time, and never further than the interval")
    func earlyProbes() {
        var schedule = Self.schedule()
        var instant = Duration.zero
        var instants: [Duration] = []
        for _ in 0..<7 {
            instants.append(instant)
            instant += schedule.record(success: false, began: instant, ended: instant)
        }
        #expect(instants == [0, 50, 150, 350, 750, 1000, 2000].map { .milliseconds($0) })
    }

    @Test("an early failure does not count, and retries of them at the interval's pace make it unhealthy")
    func failures() {
        var schedule = Self.schedule()
        for instant in [0, 50, 150, 350, 750] {
            _ = schedule.record(success: false, began: .milliseconds(instant), ended: .milliseconds(instant))
        }
        #expect(schedule.health == .starting)
        _ = schedule.record(success: false, began: .seconds(1), ended: .seconds(1))
        #expect(schedule.health == .starting)
        _ = schedule.record(success: false, began: .seconds(2), ended: .seconds(2))
        #expect(schedule.health == .unhealthy)
    }

    @Test("nothing counts in the start period, everything counts after the first success")
    func startPeriod() {
        var schedule = Self.schedule(startPeriod: .seconds(10))
        for second in 0...10 {
            _ = schedule.record(success: false, began: .seconds(second), ended: .seconds(second))
        }
        #expect(schedule.health == .starting)
        #expect(schedule.record(success: true, began: .seconds(5), ended: .seconds(5)) == .seconds(1))
        #expect(schedule.health == .healthy)
        _ = schedule.record(success: false, began: .seconds(6), ended: .seconds(6))
        #expect(schedule.health == .healthy)
        _ = schedule.record(success: false, began: .seconds(7), ended: .seconds(7))
        #expect(schedule.health == .unhealthy)
        _ = schedule.record(success: true, began: .seconds(8), ended: .seconds(8))
        #expect(schedule.health == .healthy)
    }

    @Test("a slow probe gets at most a fifth of the time while the service starts")
    func slowProbe() {
        var schedule = Self.schedule()
        #expect(schedule.record(success: false, began: .zero, ended: .milliseconds(100)) == .milliseconds(400))
    }

    @Test(
        "an answer shows the beginning and the end of what was written",
        arguments: [
            ("", []), ("no\n", ["no"]), ("a\r\n\nb", ["a", "b"]),
            ("1\n2\n3\n4\n5\n6\n7", ["1", "2", "3", "4", "5", "6", "7"]),
            ("1\n2\n3\n4\n5\n6\n7\n8", ["1", "2", "3", "…", "6", "7", "8"]),
        ])
    func answer(_ output: String, _ lines: [String]) {
        #expect(
            HealthAnswer(ProbeResult(code: 3, isTimeout: false, output: output)) == HealthAnswer(code: 3, output: lines)
        )
        #expect(HealthAnswer(ProbeResult(code: 137, isTimeout: true, output: output)).code == nil)
    }
}
