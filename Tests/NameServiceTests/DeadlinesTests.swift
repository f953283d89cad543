import NameService
import Testing

@Suite struct DeadlinesTests {
    @Test func theyComeInTheOrderOfTheirTimesAndCancelledOnesDoNotCome() {
        var random = SystemRandomNumberGenerator()
        for count in [0, 1, 2, 3, 200, 2000] {
            var deadlines = Deadlines()
            var times: [UInt64: UInt64] = [:]
            var fired: [UInt64] = []
            for token in 0..<UInt64(count) {
                let time = UInt64.random(in: 0..<UInt64(count), using: &random)
                times[token] = time
                deadlines.insert(token, at: time) {}
                if Int.random(in: 0..<3, using: &random) > 0 {
                    let other = UInt64.random(in: 0...token, using: &random)
                    deadlines.remove(other)
                    times[other] = nil
                }
            }
            #expect(deadlines.next == times.values.min())
            for now in 0..<UInt64(count) {
                let due = times.values.count { $0 == now }
                for _ in 0..<due {
                    #expect(deadlines.takeDue(at: now) != nil)
                    fired.append(now)
                }
                #expect(deadlines.takeDue(at: now) == nil)
            }
            #expect(fired.count == times.count && deadlines.next == nil)
        }
    }
}
