import EngineWire
import Testing

extension Stories {
    /// A verb is about the services that it names and what these need.
    @Suite struct Scopes {
        private static let two = """
            services:
              web: { image: "busybox", command: sleep infinity, init: true, depends_on: [cache] }
              cache: { image: "busybox", command: sleep infinity, init: true }
              db: { image: "thing:latest", command: sleep infinity, init: true }
            """

        @Test("no verb for one service replaces another because its image was tagged anew; `up` does")
        func imageTagged() async throws {
            try await World.with(project: "image-tagged", Self.two) { world in
                try await world.berth("image", "tag", "busybox", "thing:latest")
                try await world.berth("up", "-d")
                let other = "\(world.folder)/other.tar"
                try await world.shell(
                    "mkdir -p '\(world.folder)/x' && echo 2 > '\(world.folder)/x/two' && cp /bin/busybox '\(world.folder)/x/' && tar -C '\(world.folder)/x' -cf '\(other)' ."
                )
                let first = try await world.containers().first { $0.service == "db" }?.id
                try await world.berth("image", "tag", "busybox", "thing:latest")
                try await world.berth("image", "import", other, "thing:latest")
                for verb in [
                    ["stop", "-t", "0", "web"], ["start", "web"], ["kill", "web"], ["up", "-d", "web"],
                    ["pause", "web"],
                    ["unpause", "web"], ["restart", "-t", "0", "web"], ["scale", "web=2"], ["create", "web"],
                    ["up", "-d", "--no-deps", "web"], ["up", "-d", "--no-recreate", "web"],
                    ["up", "-d", "--force-recreate", "web"], ["up", "-d", "--always-recreate-deps", "web"],
                    ["rm", "-sf", "web"], ["restart", "-t", "0", "db"], ["up", "-d", "--no-recreate"], ["down", "web"],
                ] {
                    try await world.perform(verb)
                    #expect(try await world.containers().first { $0.service == "db" }?.id == first, "\(verb)")
                }
                try await world.berth("up", "-d")
                #expect(try await world.containers().first { $0.service == "db" }?.id != first)
            }
        }

        @Test("a service that cannot run here stands in nobody's way but its own")
        func notAskedFor() async throws {
            let compose = """
                services:
                  a: { image: busybox, command: sleep infinity, init: true, depends_on: [b] }
                  b: { image: busybox, command: sleep infinity, init: true }
                  gpu: { image: busybox, deploy: { resources: { reservations: { devices: [{ capabilities: [gpu] }] } } } }
                  nvidia: { image: busybox, runtime: nvidia }
                  all: { image: busybox, gpus: all }
                  profile: { image: busybox, security_opt: ["seccomp=missing.json"] }
                  limit: { image: busybox, cpus: 4000 }
                  net: { image: busybox, networks: [odd] }
                  needs: { image: busybox, depends_on: [gpu] }
                networks: { odd: { driver: overlay } }
                """
            try await World.with(project: "not-asked-for", compose) { world in
                try await world.berth("plan", "a")
                try await world.berth("up", "-d", "a")
                try await world.berth("create", "b")
                try await world.berth("scale", "a=2")
                try await world.berth("run", "--rm", "b", "true")
                try await world.berth("up", "-d", "--no-deps", "a")
                for (service, word) in [
                    ("gpu", "devices"), ("nvidia", "nvidia"), ("all", "gpus"), ("profile", "missing.json"),
                    ("limit", "4000"), ("net", "overlay"), ("needs", "devices"),
                ] {
                    let up = try await world.attempt("up", "-d", service)
                    #expect(up.status != 0 && up.stderr.contains(word), "\(up)")
                }
                let whole = try await world.attempt("up", "-d")
                #expect(whole.status != 0 && whole.stderr.contains("nvidia"), "\(whole)")
                #expect(try await world.containers().map(\.service).sorted() == ["a", "b"])
            }
        }
    }
}

extension World {
    fileprivate func perform(_ words: [String]) async throws {
        let script = (["berth"] + words).map { "'\($0)'" }.joined(separator: " ")
        try await shell(script)
    }
}
