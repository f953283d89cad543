import Engine
import EngineWire
import ProjectModel
import Testing

/// Which images an operation fetches.
@Suite struct PullPolicyTests {
    /// The image is here since an hour, for linux/amd64.
    static let cases: [(PullPolicy?, platform: String?, isBuilt: Bool, isPulled: Bool)] = [
        (nil, nil, false, false), (.missing, nil, false, false), (.never, nil, false, false),
        (.always, nil, false, true),
        (.every(.seconds(1800)), nil, false, true), (.every(.seconds(7200)), nil, false, false),
        (.missing, "linux/amd64", false, false), (.missing, "linux/arm64", false, true),
        (.every(.seconds(7200)), "linux/arm64", false, true), (.never, "linux/arm64", false, false),
        (.always, nil, true, false), (nil, nil, true, false),
    ]

    @Test("an image is fetched as its policy, its age and its platform say", arguments: cases.indices)
    func policy(row: Int) async throws {
        let (policy, platform, isBuilt, isPulled) = Self.cases[row]
        try await SimulatedEngine.with { simulated in
            let machine = simulated.machine
            machine.addImage(
                "web", id: "sha256:2", platform: "linux/amd64", updated: machine.now() / 1_000_000_000 - 3600)
            var service = SimulatedEngine.service("web")
            service.image = "web"
            service.pullPolicy = policy
            service.platform = platform
            service.hasBuild = isBuilt
            try await simulated.perform(.up(UpOptions()), [service])
            #expect(machine.world.journal.contains("pull web") == isPulled)
        }
    }
}
