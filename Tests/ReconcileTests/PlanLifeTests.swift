import ProjectModel
import Reconcile
import Testing

/// Creating, starting, stopping, pausing, restarting: what goals and rounds ask for.
@Suite struct PlanLifeTests {
    static let web = Scene().wanting("web")
    static let webRuns = web.having("web")

    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    static let rows: [PlanCase] = [
        PlanCase("nothing wanted, nothing there", Scene(), plan: ""),
        PlanCase("a second up does nothing", webRuns, plan: ""),
        PlanCase(
            "a service is created and started", web,
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                """),
        PlanCase("created only", Scene().wanting("web", .created), plan: "1 create web.1  # no container"),
        PlanCase("created and left so", Scene().wanting("web", .created).having("web", .created), plan: ""),
        PlanCase("created goal leaves what runs", Scene().wanting("web", .created).having("web"), plan: ""),
        PlanCase(
            "what was created is started", web.having("web", .created), plan: "1 start web.1  # created, not started"),
        PlanCase("what ended by itself is its restart policy's matter", web.having("web", .exited), plan: ""),
        PlanCase("what waits for its restart is left alone", web.having("web", .restarting), plan: ""),
        PlanCase(
            "a start requested once starts what ended",
            web.having("web", .exited).changing("web") { $0.startRound = 1 }, plan: "1 start web.1  # start requested"),
        PlanCase(
            "a start requested does not wait out the pause between two restarts",
            web.having("web", .restarting).changing("web") { $0.startRound = 1 },
            plan: "1 start web.1  # start requested"),
        PlanCase(
            "a start requested leaves what runs", webRuns.changing("web") { $0.startRound = 1 }, plan: ""),
        PlanCase(
            "what berth stopped on the way is started", web.having("web", .exited) { $0.stoppedByUs = true },
            plan: "1 start web.1  # was stopped, should run"),
        PlanCase(
            "what ended, for whatever reason, is its restart policy's matter, also under heal",
            Scene().wanting("web") { $0.heal = true }.having("web", .exited), plan: ""),
        PlanCase(
            "what somebody else paused is only reported",
            web.having("web", .paused) { $0.isPausedByOthers = true }, plan: ""),
        PlanCase(
            "what somebody else paused is put right under heal",
            Scene().wanting("web") { $0.heal = true }.having("web", .paused) { $0.isPausedByOthers = true },
            plan: "1 unpause web.1  # paused by another program"),
        PlanCase(
            "what somebody else paused is put right when asked",
            web.having("web", .paused) { $0.isPausedByOthers = true }.changing("web") { $0.startRound = 1 },
            plan: "1 unpause web.1  # should run"),
        PlanCase(
            "what we paused and should run is unpaused", web.having("web", .paused),
            plan: "1 unpause web.1  # should run"),
        PlanCase("pause", Scene().wanting("web", .paused).having("web"), plan: "1 pause web.1  # should be paused"),
        PlanCase("paused stays", Scene().wanting("web", .paused).having("web", .paused), plan: ""),
        PlanCase("pause of what ended does nothing", Scene().wanting("web", .paused).having("web", .exited), plan: ""),
        PlanCase(
            "pause starts what was only created", Scene().wanting("web", .paused).having("web", .created),
            plan: "1 start web.1  # created, not started"),
        PlanCase("stop", Scene().wanting("web", .stopped).having("web"), plan: "1 stop web.1  # should be stopped"),
        PlanCase(
            "stop of a paused one", Scene().wanting("web", .stopped).having("web", .paused),
            plan: "1 stop web.1  # should be stopped"),
        PlanCase(
            "stop of one that waits for its restart", Scene().wanting("web", .stopped).having("web", .restarting),
            plan: "1 stop web.1  # should be stopped"),
        PlanCase("stopped stays", Scene().wanting("web", .stopped).having("web", .exited), plan: ""),
        PlanCase("stopped creates nothing", Scene().wanting("web", .stopped), plan: ""),
        PlanCase(
            "stopped recreates nothing",
            Scene().wanting("web", .stopped).having("web", .exited).changing("web") { $0.spec.user = "app" }, plan: ""),
        PlanCase(
            "absent", Scene().wanting("web", .absent).having("web"),
            plan: """
                1 stop web.1  # no longer wanted
                2 remove web.1 after 1  # no longer wanted
                """),
        PlanCase(
            "absent and exited", Scene().wanting("web", .absent).having("web", .exited),
            plan: "1 remove web.1  # no longer wanted"),
        PlanCase(
            "absent takes anonymous volumes along",
            Scene().wanting("web", .absent).having("web") { $0.hasAnonymousVolumes = true },
            plan: """
                1 stop web.1  # no longer wanted
                2 remove web.1 and its anonymous volumes after 1  # no longer wanted
                """),
        PlanCase(
            "absent after an rm without -v leaves them",
            Scene().wanting("web", .absent).having("web") { $0.hasAnonymousVolumes = true }.changing("web") {
                $0.keepsAnonymousVolumes = true
            },
            plan: """
                1 stop web.1  # no longer wanted
                2 remove web.1 after 1  # no longer wanted
                """),
        PlanCase("absent without containers", Scene().wanting("web", .absent), plan: ""),
        PlanCase(
            "a restart stops and starts the same container", webRuns.changing("web") { $0.restartRound = 1 },
            plan: """
                1 stop web.1  # restart requested
                2 start web.1 after 1  # restart requested
                """),
        PlanCase(
            "a restart unpauses too", web.having("web", .paused).changing("web") { $0.restartRound = 1 },
            plan: """
                1 stop web.1  # restart requested
                2 start web.1 after 1  # restart requested
                """),
        PlanCase(
            "a restart starts what ended", web.having("web", .exited).changing("web") { $0.restartRound = 1 },
            plan: "1 start web.1  # restart requested"),
        PlanCase(
            "a restart broken off after the stop is ended",
            web.having("web", .exited) { $0.stoppedByUs = true }.changing("web") { $0.restartRound = 1 },
            plan: "1 start web.1  # restart requested"),
        PlanCase(
            "a stopped service is not restarted",
            Scene().wanting("web", .stopped).having("web", .exited).changing("web") { $0.restartRound = 1 }, plan: ""),
        PlanCase(
            "three replicas start side by side", Scene().wanting("web", scale: 3),
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                3 create web.2  # no container
                4 start web.2 after 3  # no container
                5 create web.3  # no container
                6 start web.3 after 5  # no container
                """),
        PlanCase(
            "more replicas take the free numbers", Scene().wanting("web", scale: 4).having("web", numbers: [1, 3]),
            plan: """
                1 create web.2  # no container
                2 start web.2 after 1  # no container
                3 create web.4  # no container
                4 start web.4 after 3  # no container
                """),
        PlanCase(
            "fewer replicas: the highest go first", Scene().wanting("web", scale: 1).having("web", numbers: [1, 2, 3]),
            plan: """
                1 stop web.2  # scale is 1
                2 remove web.2 after 1  # scale is 1
                3 stop web.3  # scale is 1
                4 remove web.3 after 3  # scale is 1
                """),
        PlanCase(
            "the lowest stay, whatever their numbers", Scene().wanting("web", scale: 1).having("web", numbers: [3, 4]),
            plan: """
                1 stop web.4  # scale is 1
                2 remove web.4 after 1  # scale is 1
                """),
        PlanCase(
            "scale 0", Scene().wanting("web", scale: 0).having("web"),
            plan: """
                1 stop web.1  # scale is 0
                2 remove web.1 after 1  # scale is 0
                """),
        PlanCase(
            "fewer replicas of a stopped service",
            Scene().wanting("web", .stopped, scale: 1).having("web", .exited, numbers: [1, 2]),
            plan: "1 remove web.2  # scale is 1"),
        PlanCase(
            "one replica ended, the other starts only if asked",
            Scene().wanting("web", scale: 2).having("web").having("web", .exited, numbers: [2]), plan: ""),
        PlanCase(
            "of two containers with one number the one as it should be stays",
            webRuns.changing("web") { $0.spec.user = "app" }.having("web") { $0.id = "newer" },
            plan: """
                1 stop web.1  # another container has its number
                2 remove web.1 after 1  # another container has its number
                """),
        PlanCase("one-offs are left alone", webRuns.havingOneOff("demo-web-run-1", of: "web"), plan: ""),
        PlanCase(
            "orphans are left alone",
            webRuns.changing("web") {
                $0.isOrphan = true
                $0.spec.user = "app"
                $0.scale = 0
            }, plan: ""),
        PlanCase(
            "an orphan that ended is left alone", web.having("web", .exited).changing("web") { $0.isOrphan = true },
            plan: ""),
        PlanCase(
            "an orphan that was only created is left alone",
            web.having("web", .created).changing("web") { $0.isOrphan = true }, plan: ""),
        PlanCase("an orphan is never made", web.changing("web") { $0.isOrphan = true }, plan: ""),
        PlanCase(
            "an unwanted orphan goes",
            webRuns.changing("web") {
                $0.isOrphan = true
                $0.goal = .absent
            },
            plan: """
                1 stop web.1  # no longer wanted
                2 remove web.1 after 1  # no longer wanted
                """),
        PlanCase(
            "an orphan can be stopped",
            webRuns.changing("web") {
                $0.isOrphan = true
                $0.goal = .stopped
            }, plan: "1 stop web.1  # should be stopped"),
        PlanCase(
            "containers of services nobody knows are left alone", webRuns.with { $0.desired.services = [] }, plan: ""),
    ]
}
