import EngineWire
import Testing

extension Stories {
    /// What berth keeps on the disk, as a whole.
    @Suite struct SystemWide {
        @Test("df counts what there is, prune takes what nothing uses, info says what it runs on")
        func system() async throws {
            let compose = """
                services:
                  web: { image: busybox, command: sleep infinity, volumes: [data:/data] }
                  job: { image: busybox, command: [sh, -c, 'echo written > /file'], labels: { keep: "no" } }
                volumes: { data: }
                """
            try await World.with(project: "system", compose) { world in
                try await world.berth("up", "-d")
                try await world.eventually("job", is: .exited)
                try await world.berth("network", "create", "unused")
                try await world.berth("volume", "create", "named")
                func types(_ format: String) async throws -> [String] {
                    try await world.berth("system", "df", "--format", format).lines
                }
                #expect(
                    try await types("{{.Type}} {{.TotalCount}} {{.Active}}") == [
                        "Images 1 1", "Containers 2 1", "Local Volumes 2 1", "Build Cache 0 0",
                    ])
                let table = try await world.berth("system", "df").lines
                #expect(table[0].split(separator: " ") == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"])
                #expect(try await world.berth("system", "df", "-v").stdout.contains("system-job-1"))
                #expect(
                    try await world.berth("system", "df", "--format", "json").lines[0].hasPrefix("{\"Active\":\"1\""))
                let info = try await world.berth("system", "info")
                #expect(info.stdout.contains(" Containers: 2\n  Running: 1\n"), "\(info)")
                #expect(try await world.berth("system", "info", "-f", "{{.ContainersStopped}}").trimmed == "1")

                let inspected = try await world.berth(
                    "container", "inspect", "-s", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.SizeRw}}",
                    "system-job-1"
                ).trimmed
                #expect(inspected.hasPrefix("exited 0 ") && !inspected.hasSuffix(" 0"), "\(inspected)")
                #expect(try await world.attempt("container", "inspect", "nosuch").status == 1)

                let asked = try await world.attempt("container", "prune", input: "n\n")
                #expect(asked.stdout.isEmpty && asked.stderr.contains("WARNING! This will remove all stopped"))
                let other = try await world.berth("container", "prune", "-f", "--filter", "label=keep=yes").trimmed
                #expect(other == "Total reclaimed space: 0B")
                let kept = try await world.berth("container", "prune", "-f", "--filter", "until=1h").trimmed
                #expect(kept == "Total reclaimed space: 0B")
                let pruned = try await world.berth("system", "prune", "-f").stdout
                #expect(pruned.hasPrefix("Deleted Containers:\n"), "\(pruned)")
                #expect(pruned.contains("Deleted Networks:\nunused\n") && pruned.contains("Total reclaimed space: "))
                #expect(try await world.containers().map(\.name) == ["system-web-1"])
                #expect(try await types("{{.Type}} {{.TotalCount}}")[2] == "Local Volumes 2")
                try await world.berth("down")
                let all = try await world.berth("system", "prune", "-af", "--volumes").stdout
                #expect(all.contains("Deleted Images:\nuntagged: "), "\(all)")
                // Named volumes are data.
                #expect(
                    try await types("{{.Type}} {{.TotalCount}}").prefix(3) == [
                        "Images 0", "Containers 0", "Local Volumes 2",
                    ])
                let wrong = try await world.attempt("system", "prune", "-f", "--volumes", "--filter", "until=1h")
                #expect(wrong.status == 2 && wrong.stderr.contains("not supported with --volumes"), "\(wrong)")
            }
        }

        @Test("help of a verb that has a page shows both")
        func help() async throws {
            try await World.with(project: "helped") { world in
                let text = try await world.berth("help", "watch").stdout
                #expect(text.contains("USAGE: berth watch") && text.contains("develop:"), "\(text)")
                #expect(try await world.berth("help", "ps").stdout.contains("USAGE: berth ps"))
            }
        }
    }
}
