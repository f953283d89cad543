import Console
import EngineWire
import Testing

/// What `berth explain` prints.
@Suite struct ExplanationTextTests {
    private let now = 1_767_366_245.0

    private func row(_ state: ContainerRow.State) -> ContainerRow {
        ContainerRow(
            id: "c1", name: "shop-web-1", project: "shop", service: "web", number: 1, isOneOff: false, image: "nginx:1",
            imageID: "sha256:0123456789abcdef", command: [], state: state, createdAt: now - 60)
    }

    private func text(_ explanation: Explanation, limit: Int = 20) -> String {
        ExplanationText(now: now, style: Style(isColoured: false), limit: limit) { _ in 0 }.text(explanation)
    }

    @Test("a container that ends over and over: how it stands, what it waits for, what became of it")
    func restarting() {
        var container = row(.restarting)
        container.exitCode = 1
        container.finishedAt = now - 2
        var created = Occurrence(at: now - 86_400, kind: .created, container: "c1", by: "up", reason: "no container")
        created.image = "nginx:1"
        created.imageID = "sha256:0123456789abcdef"
        var ended = Occurrence(at: now - 2, kind: .ended, container: "c1")
        (ended.exitCode, ended.ran, ended.restartsIn) = (1, 0.5, 3.2)
        let explanation = Explanation(
            name: "shop-web-1", container: container, wanted: "running", waits: [.init(.restart, at: now + 1.2)],
            restarts: 5, health: nil,
            history: [
                created, Occurrence(at: now - 3, kind: .started, by: Occurrence.restartPolicy), ended,
            ])
        #expect(
            text(explanation) == """
                shop-web-1  Restarting (1) 2 seconds ago, wanted: running, restarted 5 times by its policy
                  image    nginx:1 (0123456789ab)
                  waits    for its next start, in 1.2s
                  history  2026-01-01 15:04:05  created from nginx:1 (0123456789ab) by berth up: no container
                           15:04:02  started by its restart policy
                           15:04:03  ended with code 1 after 0.5s, to be restarted in 3.2s

                """)
        #expect(text(explanation, limit: 1).contains("(2 before that: --tail all)"))
    }

    @Test("pulls are told with the digest that came, and why it was asked for")
    func pulls() {
        var pulled = Occurrence(at: now - 4, kind: .pulled, by: "up", reason: "not on this machine")
        pulled.image = "nginx:1"
        pulled.digest = "sha256:ab"
        var failed = Occurrence(at: now - 3, kind: .pullFailed, by: "pull", reason: "no such host")
        failed.image = "nginx:1"
        let explanation = Explanation(
            name: "shop-web-1", container: nil, wanted: "running", waits: [], restarts: 0, health: nil,
            history: [pulled, failed])
        let said = text(explanation)
        #expect(said.contains("15:04:01  pulled nginx:1 (sha256:ab) by berth up: not on this machine"), "\(said)")
        #expect(said.contains("15:04:02  could not pull nginx:1 by berth pull: no such host"), "\(said)")
    }

    @Test("health answers and what they led to; output cannot move the cursor")
    func health() {
        var container = row(.running)
        container.startedAt = now - 30
        container.health = .unhealthy
        let answer = HealthAnswer(code: 1, output: ["no\u{1B}[2J answer"])
        var change = Occurrence(at: now - 5, kind: .health)
        (change.health, change.answer) = (.unhealthy, answer)
        let explanation = Explanation(
            name: "shop-web-1", container: container, wanted: "running", waits: [.init(.health)], restarts: 0,
            health: .init(
                status: .unhealthy, failures: 2, probes: [.init(began: now - 6, ended: now - 5, answer: answer)]),
            history: [change])
        #expect(
            text(explanation) == """
                shop-web-1  Up 30 seconds (unhealthy), wanted: running
                  image    nginx:1 (0123456789ab)
                  waits    for its health check to succeed
                  health   unhealthy, the last 2 checks failed
                           15:03:59  code 1 after 1.0s: no[2J answer
                  history  15:04:00  unhealthy, code 1: no[2J answer

                """)
    }

    @Test("each kind of wait has its words")
    func waits() {
        func words(_ wait: Explanation.Wait) -> String {
            let explanation = Explanation(
                name: "web", container: nil, wanted: "running", waits: [wait], restarts: 0, health: nil, history: [])
            return text(explanation).split(separator: "\n")[1].trimmingPrefix("  waits    ").description
        }
        #expect(
            words(.init(.dependency, service: "db", condition: "healthy", state: "shop-db-1 is starting"))
                == "for db to be healthy: shop-db-1 is starting")
        #expect(words(.init(.dependency, service: "job", condition: "completed")) == "for job to end with code 0")
        #expect(words(.init(.restart, at: now - 1)) == "for its next start, which is due")
        #expect(
            words(.init(.unpause, state: "paused by another program"))
                == "until it is unpaused: paused by another program")
        #expect(
            words(.init(.start, state: "exited by itself"))
                == "for a verb: nothing starts it by itself: exited by itself")
    }
}
