import Console
import EngineWire
import Testing

@Suite struct PruneFilterTests {
    @Test(
        "filters are docker's",
        arguments: [
            ([], PruneRequest()), (["until=24h"], PruneRequest(until: 913_600)),
            (["until=1000"], PruneRequest(until: 1000)),
            (["label=a", "label=b=c=d"], PruneRequest(labels: ["a", "b=c=d"])),
            (["label!=a=b"], PruneRequest(withoutLabels: ["a=b"])),
            (["dangling=false"], PruneRequest(all: true)), (["dangling=true"], PruneRequest()),
            (["until=1970-01-01T00:01:00Z", "label=x"], PruneRequest(until: 60, labels: ["x"])),
        ] as [([String], PruneRequest)])
    func filters(filters: [String], request: PruneRequest) throws {
        #expect(try PruneFilter(filters, all: false, now: 1_000_000).request == request)
    }

    @Test("networks and volumes have filters of their own")
    func kinds() throws {
        #expect(try PruneFilter(["until=10"], of: .networks, all: false, now: 0).request == PruneRequest(until: 10))
        #expect(try PruneFilter(["all=true"], of: .volumes, all: false, now: 0).request == PruneRequest(all: true))
        #expect(try PruneFilter(["all=false"], of: .volumes, all: true, now: 0).request == PruneRequest())
        for (filter, kind) in [
            ("dangling=true", PruneFilter.Kind.networks), ("all=1", .networks), ("all=1", .images),
            ("until=10", .volumes),
            ("all=perhaps", .volumes),
        ] {
            #expect(throws: UsageFailure.self) { try PruneFilter([filter], of: kind, all: false, now: 0) }
        }
    }

    @Test(
        "others are refused",
        arguments: ["until", "until=", "until=yesterday", "dangling=maybe", "name=x", "", "=", "label"])
    func refused(filter: String) {
        #expect(throws: UsageFailure.self) { try PruneFilter([filter], all: false, now: 0) }
    }

    @Test(
        "labels and age decide",
        arguments: [
            (PruneRequest(), [:], nil, true), (PruneRequest(labels: ["a"]), ["a": "1"], nil, true),
            (PruneRequest(labels: ["a"]), ["b": "1"], nil, false),
            (PruneRequest(labels: ["a=1"]), ["a": "2"], nil, false),
            (PruneRequest(labels: ["a=1", "b"]), ["a": "1"], nil, false),
            (PruneRequest(labels: ["a="]), ["a": ""], nil, true),
            (PruneRequest(withoutLabels: ["a"]), ["a": "1"], nil, false),
            (PruneRequest(withoutLabels: ["a=2"]), ["a": "1"], nil, true),
            (PruneRequest(until: 10), [:], 9, true), (PruneRequest(until: 10), [:], 10, false),
            (PruneRequest(until: 10), [:], nil, false),
        ] as [(PruneRequest, [String: String], Double?, Bool)])
    func allows(request: PruneRequest, labels: [String: String], created: Double?, isAllowed: Bool) {
        #expect(request.allows(labels: labels, created: created) == isAllowed)
    }
}
