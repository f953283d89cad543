import JSON
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
        var signal: Int32?
        let decision: Decision

        var testDescription: String { "\(policy) \(String(describing: code)) stopped \(stopped) after \(restarts)" }
    }

    /// A decision as a person reads it.
    enum Decision: Equatable {
        case staysDown(String)
        case restart(after: Duration)

        init(_ decision: RestartDecision) {
            switch decision {
            case .stayDown(let reason): self = .staysDown("\(reason)")
            case .restart(let delay): self = .restart(after: delay)
            }
        }
    }

    @Test(
        "decisions",
        arguments: [
            Row(policy: .no, code: 3, decision: .staysDown("exited by itself with code 3; restart: no")),
            Row(policy: .no, code: 0, decision: .staysDown("exited by itself with code 0; restart: no")),
            Row(
                policy: .no, code: 137,
                decision: .staysDown("exited by itself with code 137 (SIGKILL); restart: no")),
            Row(policy: .no, decision: .staysDown("exited by itself with an unknown code; restart: no")),
            Row(policy: .always, code: 0, decision: .restart(after: .milliseconds(100))),
            Row(policy: .always, code: 1, restarts: 2, decision: .restart(after: .milliseconds(400))),
            Row(policy: .unlessStopped, code: 0, decision: .restart(after: .milliseconds(100))),
            Row(
                policy: .always, code: 143, stopped: true,
                decision: .staysDown("stopped by berth, with code 143 (SIGTERM)")),
            Row(
                policy: .unlessStopped, code: 0, stopped: true,
                decision: .staysDown("stopped by berth, with code 0")),
            Row(
                policy: .always, code: 0, signal: 10,
                decision: .staysDown("ended after SIGUSR1 from berth, with code 0")),
            Row(
                policy: .always, code: 137, stopped: true, signal: 9,
                decision: .staysDown("ended after SIGKILL from berth, with code 137 (SIGKILL)")),
            Row(
                policy: .onFailure(maximumRetries: nil), code: 0,
                decision: .staysDown("exited by itself with code 0; restart: on-failure")),
            Row(
                policy: .onFailure(maximumRetries: nil), code: 1, restarts: 50, decision: .restart(after: .seconds(60))),
            Row(policy: .onFailure(maximumRetries: nil), decision: .restart(after: .milliseconds(100))),
            Row(
                policy: .onFailure(maximumRetries: 3), code: 1, restarts: 2,
                decision: .restart(after: .milliseconds(400))),
            Row(
                policy: .onFailure(maximumRetries: 3), code: 1, restarts: 3,
                decision: .staysDown("failed again after 3 restarts, with code 1; restart: on-failure:3")),
            Row(
                policy: .onFailure(maximumRetries: 1), code: 2, restarts: 1,
                decision: .staysDown("failed again after 1 restart, with code 2; restart: on-failure:1")),
            Row(
                policy: .onFailure(maximumRetries: 0), code: 1, restarts: 7,
                decision: .restart(after: .milliseconds(12_800))),
        ])
    func decides(_ row: Row) {
        let history = Self.after(restarts: row.restarts)
        let decision = restartDecision(
            policy: row.policy, exitCode: row.code, wasStoppedByUs: row.stopped, signal: row.signal, history: history)
        #expect(Decision(decision) == row.decision)
    }

    @Test("reasons are stored and read on, those that earlier releases stored as words too")
    func stored() throws {
        let reasons: [StateReason] = [
            .stopped(code: 0), .stopped(code: nil), .stoppedBeforeRestart, .signalled(15, code: 143),
            .endedByItself(code: 1, policy: .onFailure(maximumRetries: 3)),
            .gaveUp(restarts: 3, code: 2, policy: .always), .commandEnded, .pausedByOthers, .monitorLost,
            .machineRestarted, .neverRan, .notStarted("no such file", code: 127), .told("as it was"),
        ]
        for reason in reasons { #expect(try decodeJSON(StateReason.self, from: try encodeJSON(reason)) == reason) }
        #expect(try decodeJSON(StateReason.self, from: Array(#""stopped by berth""#.utf8)) == .told("stopped by berth"))
    }

    struct SignalRow: CustomTestStringConvertible {
        var signal: Int32
        var stopSignal: Int32?
        var policy = RestartPolicy.always
        /// At once, and after the grace period.
        let holds: (now: Bool, later: Bool)
        var testDescription: String { "\(signal) to \(stopSignal ?? 0), \(policy)" }
    }

    @Test(
        "which signals of a person keep a container down once it ends",
        arguments: [
            SignalRow(signal: 9, holds: (true, true)), SignalRow(signal: 9, stopSignal: 15, holds: (true, true)),
            SignalRow(signal: 15, holds: (true, true)), SignalRow(signal: 10, stopSignal: 10, holds: (true, true)),
            SignalRow(signal: 15, stopSignal: 10, holds: (false, false)),
            SignalRow(signal: 15, stopSignal: 10, policy: .unlessStopped, holds: (true, false)),
            SignalRow(signal: 1, holds: (true, false)), SignalRow(signal: 1, stopSignal: 15, holds: (false, false)),
            SignalRow(signal: 1, stopSignal: 15, policy: .onFailure(maximumRetries: nil), holds: (false, false)),
        ])
    func signals(_ row: SignalRow) {
        let signal = PersonsSignal(
            row.signal, stopSignal: row.stopSignal, policy: row.policy, sentAt: 1000, grace: .seconds(10))
        #expect((signal?.holds(at: 1001) ?? false) == row.holds.now)
        #expect((signal?.holds(at: 10_000_001_001) ?? false) == row.holds.later)
    }
}
