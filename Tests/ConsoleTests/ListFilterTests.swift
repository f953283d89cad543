import Console
import Testing

@Suite struct ListFilterTests {
    private let fields = [
        "name": "shop_data", "driver": "local", "dangling": "false", "id": "abcdef", "status": "exited",
    ]
    private let labels = ["a": "b", "only": ""]

    @Test(
        "one value of a name must fit, all labels, and every name",
        arguments: [
            ([], true), (["name=data"], true), (["name=none"], false), (["name=none", "name=shop"], true),
            (["label=a"], true), (["label=a=b", "label=only"], true), (["label=a=c"], false),
            (["label=a", "label=missing"], false), (["name=data", "dangling=1"], false), (["dangling=0"], true),
            (["driver=loc"], false), (["driver=local", "name=shop"], true),
        ] as [([String], Bool)])
    func allows(filters: [String], isAllowed: Bool) throws {
        #expect(try ListFilter(filters, of: .volumes).allows(fields, labels: labels) == isAllowed)
    }

    @Test(
        "filters that there are not are refused", arguments: ["size=1", "name", "name=", "dangling=maybe", "status=up"])
    func refused(filter: String) {
        #expect(throws: UsageFailure.self) { try ListFilter([filter], of: .volumes) }
    }

    @Test(
        "images are found by patterns of their names",
        arguments: [
            ("busybox:1", "busybox", true), ("busybox:1", "busy*", true), ("busybox:1", "busybox:1", true),
            ("busybox:1", "busybox:2", false), ("busybox:1", "*:1", true), ("team/app:1", "*", false),
            ("team/app:1", "team/*", true), ("team/app:1", "app", false), ("reg:5000/app:1", "reg:5000/app", true),
            ("reg:5000/app:1", "reg", false), ("reg:5000/app", "reg:5000/a?p", true),
        ])
    func references(name: String, pattern: String, fits: Bool) throws {
        let filter = try ListFilter(["reference=\(pattern)"], of: .images)
        #expect(filter.allows(["reference": name], labels: [:]) == fits)
    }

    @Test("containers have filters of their own")
    func containers() throws {
        #expect(try ListFilter(["status=exited", "id=abc"], of: .containers).allows(fields, labels: labels))
        #expect(try ListFilter(["status=exited"], of: .containers).names("status"))
        #expect(try !ListFilter(["ancestor=busybox"], of: .containers).allows(["ancestor": "other:1"], labels: [:]))
        #expect(try ListFilter(["ancestor=busybox"], of: .containers).allows(["ancestor": "busybox:1"], labels: [:]))
    }
}
