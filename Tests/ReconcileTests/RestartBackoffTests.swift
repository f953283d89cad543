import ProjectModel
import Reconcile
import Testing

@Suite struct RestartBackoffTests {
    static func after(restarts: Int) -> RestartBackoff {
        var backoff = RestartBackoff()
        for _ in 0..<restarts { backoff.restarted() }
        return backoff
    }

    @Test(
        "the pause doubles from 100 ms to 60 s",
        arguments: [
            (0, 100), (1, 200), (2, 400), (3, 800), (6, 6400), (9, 51_200), (10, 60_000), (11, 60_000), (5000, 60_000),
        ])
    func pause(restarts: Int, milliseconds: Int) {
        #expect(Self.after(restarts: restarts).delay == .milliseconds(milliseconds))
    }

    @Test("ten seconds of running end the row, less does not")
    func steadyRun() {
        var backoff = Self.after(restarts: 4)
        backoff.ended(afterRunning: .milliseconds(9999))
        #expect(backoff.restarts == 4)
        backoff.ended(afterRunning: .seconds(10))
        #expect(backoff.delay == .milliseconds(100))
    }

    @Test("an asked-for start begins a new row")
    func reset() {
        var backoff = Self.after(restarts: 4)
        backoff.reset()
        #expect(backoff == RestartBackoff())
    }

    struct Row: CustomTestStringConvertible {
        let policy: RestartPolicy
        var code: Int?
        var stopped = false
        var restarts = 0
        let decision: RestartDecision

        var testDescription: String { "\(policy) \(String(describing: code)) stopped \(stopped) after \(restarts)" }
    }

    @Test(
        "decisions",
        arguments: [
            Row(policy: .no, code: 3, decision: .stayDown(reason: "exited by itself with code 3; restart: no")),
            Row(policy: .no, code: 0, decision: .stayDown(reason: "exited by itself with code 0; restart: no")),
            Row(
                policy: .no, code: 137,
                decision: .stayDown(reason: "exited by itself with code 137 (SIGKILL); restart: no")),
            Row(policy: .no, decision: .stayDown(reason: "exited by itself with a code nobody knows; restart: no")),
            Row(policy: .always, code: 0, decision: .restart(after: .milliseconds(100))),
            Row(policy: .always, code: 1, restarts: 2, decision: .restart(after: .milliseconds(400))),
            Row(policy: .unlessStopped, code: 0, decision: .restart(after: .milliseconds(100))),
            Row(
                policy: .always, code: 143, stopped: true,
                decision: .stayDown(reason: "stopped by berth, with code 143 (SIGTERM)")),
            Row(
                policy: .unlessStopped, code: 0, stopped: true,
                decision: .stayDown(reason: "stopped by berth, with code 0")),
            Row(
                policy: .onFailure(maximumRetries: nil), code: 0,
                decision: .stayDown(reason: "exited by itself with code 0; restart: on-failure")),
            Row(
                policy: .onFailure(maximumRetries: nil), code: 1, restarts: 50, decision: .restart(after: .seconds(60))),
            Row(policy: .onFailure(maximumRetries: nil), decision: .restart(after: .milliseconds(100))),
            Row(
                policy: .onFailure(maximumRetries: 3), code: 1, restarts: 2,
                decision: .restart(after: .milliseconds(400))),
            Row(
                policy: .onFailure(maximumRetries: 3), code: 1, restarts: 3,
                decision: .stayDown(reason: "failed again after 3 restarts, with code 1; restart: on-failure:3")),
            Row(
                policy: .onFailure(maximumRetries: 1), code: 2, restarts: 1,
                decision: .stayDown(reason: "failed again after 1 restart, with code 2; restart: on-failure:1")),
            Row(
                policy: .onFailure(maximumRetries: 0), code: 1, restarts: 7,
                decision: .restart(after: .milliseconds(12_800))),
        ])
    func decides(_ row: Row) {
        let history = Self.after(restarts: row.restarts)
        let decision = restartDecision(
            policy: row.policy, exitCode: row.code, wasStoppedByUs: row.stopped, history: history)
        #expect(decision == row.decision)
    }
}
