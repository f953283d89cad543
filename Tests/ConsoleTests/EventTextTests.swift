import Console
import EngineWire
import Testing

/// What `berth events` prints.
@Suite struct EventTextTests {
    private let event = ContainerEvent(
        time: 1_767_366_245_123_456_789, service: "web", id: "abc", action: "die",
        attributes: ["name": "shop-web-1", "image": "busybox", "exitCode": "1", "note": "two\nlines"])

    @Test("a line has local time, action, id and attributes, and is one line")
    func line() {
        #expect(
            EventText.line(event) { _ in 3600 }
                == "2026-01-02 16:04:05.123456 container die abc (exitCode=1, image=busybox, name=shop-web-1, note=two lines)"
        )
    }

    @Test("as JSON it has the keys of docker compose")
    func json() {
        #expect(
            EventText.json(event)
                == #"{"action":"die","attributes":{"exitCode":"1","image":"busybox","name":"shop-web-1","note":"two\nlines"},"id":"abc","service":"web","time":"2026-01-02T15:04:05.123456789Z","type":"container"}"#
        )
    }
}
