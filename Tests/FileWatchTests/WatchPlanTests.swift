import FileWatch
import ProjectModel
import Testing

@Suite struct WatchPlanTests {
    private func rule(
        _ service: String, _ action: WatchRule.Action, _ path: String, _ target: String? = nil, index: Int = 0
    ) throws -> WatchPlan.Rule {
        let rule = WatchRule(path: path, action: action, target: target)
        return WatchPlan.Rule(
            service: service, index: index, rule: rule, filter: try RuleFilter(rule, root: path, context: nil))
    }

    @Test("a change counts for every rule of every service that it belongs to")
    func several() throws {
        let rules = try [
            rule("web", .sync, "/p/src", "/app"), rule("web", .rebuild, "/p/package.json", index: 1),
            rule("api", .syncAndRestart, "/p/src", "/srv"), rule("job", .restart, "/p/job"),
            rule("web", .syncAndExec, "/p/src/conf", "/etc/app", index: 2),
        ]
        let plan = WatchPlan([FileChange("/p/src/conf/x", .changed)], rules)
        #expect(Set(plan.work.keys) == ["web", "api"])
        let web = plan.work["web"]
        #expect(
            web?.copies == [
                .init(target: "/app/conf/x", source: "/p/src/conf/x"),
                .init(target: "/etc/app/x", source: "/p/src/conf/x"),
            ])
        #expect(web?.commands == [2] && web?.rebuilds == false && web?.restarts == false)
        #expect(plan.work["api"]?.restarts == true)
        #expect(WatchPlan([FileChange("/p/package.json", .changed)], rules).work["web"]?.rebuilds == true)
        #expect(WatchPlan([FileChange("/p/other", .changed)], rules).work.isEmpty)
    }

    @Test("with a folder goes what is in it; what came back in its place is copied")
    func removed() throws {
        let rules = [try rule("web", .sync, "/p", "/app")]
        let plan = WatchPlan(
            [
                FileChange("/p/a", .removed), FileChange("/p/a/b", .removed), FileChange("/p/a/b/c", .removed),
                FileChange("/p/ab", .removed), FileChange("/p/d", .removed), FileChange("/p/d", .changed),
            ], rules)
        #expect(
            plan.work["web"]?.copies == [
                .init(target: "/app/a", source: nil), .init(target: "/app/ab", source: nil),
                .init(target: "/app/d", source: "/p/d"),
            ])
    }

    @Test("a burst is one batch, and one that does not end is worked off in between")
    func quiet() {
        var quiet = QuietPeriod(pause: .milliseconds(25), limit: .milliseconds(1000))
        #expect(quiet.rest(at: .zero) == nil)
        quiet.note(at: .milliseconds(100))
        #expect(quiet.rest(at: .milliseconds(110)) == .milliseconds(15))
        quiet.note(at: .milliseconds(120))
        #expect(quiet.rest(at: .milliseconds(120)) == .milliseconds(25))
        #expect(quiet.rest(at: .milliseconds(150)) == .zero)
        for time in stride(from: 140, to: 1100, by: 20) { quiet.note(at: .milliseconds(time)) }
        #expect(quiet.rest(at: .milliseconds(1099)) == .milliseconds(1))
        quiet.end()
        #expect(quiet.rest(at: .milliseconds(1100)) == nil)
    }
}
