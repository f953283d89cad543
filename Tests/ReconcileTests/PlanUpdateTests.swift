import ProjectModel
import Reconcile
import Testing

/// Updates by rules: which replica goes when.
@Suite struct PlanUpdateTests {
    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    private static func changed(
        scale: Int, _ edit: @Sendable @escaping (inout UpdateRules) -> Void = { _ in }, on networks: [String] = [],
        with: (inout Service) -> Void = { _ in }
    ) -> Scene {
        var rules = UpdateRules()
        edit(&rules)
        return Scene().wanting("web", scale: scale, on: networks) {
            $0.updateConfig = rules
            with(&$0)
        }.having("web", numbers: Array(1...scale)).changing("web") { $0.spec.environment["A"] = "1" }
    }

    static let rows: [PlanCase] = [
        PlanCase(
            "one replica after the other: drained, stopped, replaced, watched, let in", changed(scale: 2),
            plan: """
                1 create web.1 in place of the old one  # environment.A added
                2 create web.2 in place of the old one  # environment.A added
                3 drain web.1 after 1,2  # environment.A added
                4 stop web.1 after 3  # environment.A added
                5 start web.1 after 4  # environment.A added
                6 watch the new web.1 after 5  # environment.A added
                7 switch to the new web.1 after 6  # environment.A added
                8 remove web.1 after 4,7  # environment.A added
                9 drain web.2 after 4,7  # environment.A added
                10 stop web.2 after 9  # environment.A added
                11 start web.2 after 10  # environment.A added
                12 watch the new web.2 after 11  # environment.A added
                13 switch to the new web.2 after 12  # environment.A added
                14 remove web.2 after 10,13  # environment.A added
                """),
        PlanCase(
            "the new one starts first", changed(scale: 1, { $0.order = .startFirst }),
            plan: """
                1 create web.1 beside the old one  # environment.A added
                2 start web.1 after 1  # environment.A added
                3 watch the new web.1 after 2  # environment.A added
                4 switch to the new web.1 after 3  # environment.A added
                5 drain web.1 after 4  # environment.A added
                6 stop web.1 after 5  # environment.A added
                7 remove web.1 after 6  # environment.A added
                """),
        PlanCase(
            "with a fixed address the old one stops first",
            changed(scale: 1, { $0.order = .startFirst }, on: ["a"]) { $0.networks[0].ipv4Address = "10.0.0.9" },
            plan: """
                1 create web.1 in place of the old one  # environment.A added
                2 drain web.1 after 1  # environment.A added
                3 stop web.1 after 2  # environment.A added
                4 start web.1 after 3  # environment.A added
                5 watch the new web.1 after 4  # environment.A added
                6 switch to the new web.1 after 5  # environment.A added
                7 remove web.1 after 3,6  # environment.A added
                """),
        PlanCase(
            "two at once, and a pause between the groups",
            changed(
                scale: 3,
                {
                    $0.order = .startFirst
                    $0.parallelism = 2
                    $0.delay = .seconds(10)
                }),
            plan: """
                1 create web.1 beside the old one  # environment.A added
                2 create web.2 beside the old one  # environment.A added
                3 create web.3 beside the old one  # environment.A added
                4 start web.1 after 1,2,3  # environment.A added
                5 watch the new web.1 after 4  # environment.A added
                6 switch to the new web.1 after 5  # environment.A added
                7 drain web.1 after 6  # environment.A added
                8 stop web.1 after 7  # environment.A added
                9 remove web.1 after 8  # environment.A added
                10 start web.2 after 1,2,3  # environment.A added
                11 watch the new web.2 after 10  # environment.A added
                12 switch to the new web.2 after 11  # environment.A added
                13 drain web.2 after 12  # environment.A added
                14 stop web.2 after 13  # environment.A added
                15 remove web.2 after 14  # environment.A added
                16 wait 10s before the next of web after 6,8,12,14  # update_config.delay
                17 start web.3 after 16  # environment.A added
                18 watch the new web.3 after 17  # environment.A added
                19 switch to the new web.3 after 18  # environment.A added
                20 drain web.3 after 19  # environment.A added
                21 stop web.3 after 20  # environment.A added
                22 remove web.3 after 21  # environment.A added
                """),
        PlanCase(
            "what does not run is replaced at once",
            Scene().wanting("web") { $0.updateConfig = UpdateRules() }.having("web", .exited).changing("web") {
                $0.spec.environment["A"] = "1"
            },
            plan: """
                1 create web.1 in place of the old one  # environment.A added
                2 start web.1 after 1  # environment.A added
                3 remove web.1 after 1,2  # environment.A added
                """),
        PlanCase(
            "a service that others restart with goes down and up with them",
            Scene().wanting("db") { $0.updateConfig = UpdateRules() }
                .wanting("web") { $0.dependsOn = [Dependency(service: "db", restart: true)] }
                .having("db").having("web").changing("db") { $0.spec.environment["A"] = "1" },
            plan: """
                1 create db.1 in place of the old one  # environment.A added
                2 stop web.1 after 1  # depends on db, which is recreated
                3 stop db.1 after 1,2  # environment.A added
                4 start db.1 after 3  # environment.A added
                5 remove db.1 after 3,4  # environment.A added
                6 start web.1 after 2,4  # depends on db, which is recreated
                """),
        PlanCase(
            "a replica too many is drained, too",
            Scene().wanting("web", scale: 1) { $0.updateConfig = UpdateRules() }.having("web", numbers: [1, 2]),
            plan: """
                1 drain web.2  # scale is 1
                2 stop web.2 after 1  # scale is 1
                3 remove web.2 after 2  # scale is 1
                """),
        PlanCase(
            "a paused update leaves what is as it was",
            changed(scale: 2).changing("web") { $0.isUpdatePaused = true }, plan: ""),
        PlanCase(
            "what an update left without names is let in again",
            Scene().wanting("web").having("web") { $0.isAside = true },
            plan: """
                1 watch web.1  # an update was interrupted
                2 admit web.1 after 1  # an update was interrupted
                """),
        PlanCase(
            "a rollback has rules of its own",
            changed(
                scale: 2,
                with: {
                    $0.rollbackConfig = UpdateRules()
                    $0.rollbackConfig?.parallelism = 0
                    $0.rollbackConfig?.order = .startFirst
                }
            ).changing("web") { $0.isRollingBack = true },
            plan: """
                1 create web.1 beside the old one  # environment.A added
                2 create web.2 beside the old one  # environment.A added
                3 start web.1 after 1,2  # environment.A added
                4 watch the new web.1 after 3  # environment.A added
                5 switch to the new web.1 after 4  # environment.A added
                6 drain web.1 after 5  # environment.A added
                7 stop web.1 after 6  # environment.A added
                8 remove web.1 after 7  # environment.A added
                9 start web.2 after 1,2  # environment.A added
                10 watch the new web.2 after 9  # environment.A added
                11 switch to the new web.2 after 10  # environment.A added
                12 drain web.2 after 11  # environment.A added
                13 stop web.2 after 12  # environment.A added
                14 remove web.2 after 13  # environment.A added
                """),
    ]
}
