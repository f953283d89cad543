import EngineWire
import Linux
import Testing

extension Stories {
    /// Builds that take results and images from outside, and give them there.
    @Suite struct BuildsElsewhere {
        private static let dockerfile = """
            FROM busybox AS tools
            RUN date +%N > /tool
            FROM busybox
            WORKDIR /app
            COPY src .
            COPY --from=tools /tool /tool
            RUN date +%N > /when
            """

        /// Another machine: nothing but busybox is there.
        private static func wipe(_ world: World) async throws {
            try await world.killEngine()
            try await world.shell("rm -rf \(world.root)")
            try await world.berth("image", "import", "--change", "CMD [\"sh\"]", try BusyboxImage.archive, "busybox")
        }

        private static func layers(_ image: String, in world: World) async throws -> String {
            try await world.shell("berth image inspect -f '{{json .RootFS.Layers}}' \(image)")
        }

        private static func count(_ text: String, _ part: String) -> Int {
            text.split(separator: part, omittingEmptySubsequences: false).count - 1
        }

        @Test("two services find all their steps in folders that another machine left them")
        func local() async throws {
            let compose = """
                services:
                  web:
                    build: &build
                      context: .
                      cache_from: ["type=local,src=cache/web"]
                      cache_to: ["type=local,dest=cache/web,mode=max"]
                  api:
                    build:
                      context: .
                      args: { KIND: api }
                      cache_from: ["type=local,src=cache/api", "type=gha"]
                      cache_to: ["type=local,dest=cache/api,mode=max", "type=gha"]
                """
            try await World.with(project: "cache-local", compose) { world in
                try world.write(
                    Self.dockerfile + "\nARG KIND=web\nRUN echo $KIND > /kind; date +%N >> /kind", to: "Dockerfile")
                try world.write("one", to: "src")
                let first = try await world.berth("--progress", "plain", "build")
                #expect(first.stderr.contains("the cache cache/web is not used: No such file or directory"), "\(first)")
                #expect(Self.count(first.stderr, "caches of type gha are not supported") == 1, "\(first)")
                let before = try await [
                    Self.layers("cache-local-web", in: world), Self.layers("cache-local-api", in: world),
                ]
                try await Self.wipe(world)
                // The file is the same, and newer.
                try await world.shell("touch src")
                let second = try await world.berth("--progress", "plain", "build", "--why")
                let after = try await [
                    Self.layers("cache-local-web", in: world), Self.layers("cache-local-api", in: world),
                ]
                #expect(before == after, "\(second)")
                #expect(second.stderr.contains("because it was in the cache cache/web"), "\(second)")
                #expect(second.stderr.contains("because it was in the cache cache/api"), "\(second)")
                // It is this engine's own now.
                let third = try await world.berth("--progress", "plain", "build", "--why")
                #expect(!third.stderr.contains("because"), "\(third)")
                try world.write("two", to: "src")
                let changed = try await world.berth("--progress", "plain", "build", "web")
                #expect(changed.stderr.contains("because app/src has changed"), "\(changed)")
            }
        }

        @Test("a damaged cache is told of and changes nothing")
        func damaged() async throws {
            try await World.with(project: "cache-damaged") { world in
                try world.write("FROM busybox\nRUN echo right > /made", to: "Dockerfile")
                try await world.berth("image", "build", "-t", "a", "--cache-to", "type=local,dest=cache", ".")
                try await Self.wipe(world)
                try await world.shell(
                    "for f in cache/blobs/sha256/*; do [ $(head -c 2 $f | od -An -tx1 | tr -d ' \\n') != 1f8b ] || echo x >> $f; done"
                )
                let built = try await world.berth(
                    "--progress", "plain", "image", "build", "-t", "a", "--cache-from", "type=local,src=cache", ".")
                #expect(built.stderr.contains("the cache cache is not used for this step"), "\(built)")
                #expect(try await world.shell("berth container run --rm a cat /made") == "right")
                try await world.shell("echo '{}' > cache/index.json")
                try world.write("FROM busybox\nRUN echo other > /made", to: "Dockerfile")
                let other = try await world.berth(
                    "--progress", "plain", "image", "build", "--cache-from", "type=local,src=cache", ".")
                #expect(other.stderr.contains("the cache cache is not used"), "\(other)")
            }
        }

        @Test(
            "results go to a registry and come from it, alone or inside an image",
            .enabled(if: fileExists("/usr/bin/docker-registry"), "needs docker-registry"))
        func registry() async throws {
            try await World.with(project: "cache-registry") { world in
                try world.write(
                    """
                    version: 0.1
                    log: { accesslog: { disabled: true } }
                    storage: { filesystem: { rootdirectory: \(world.folder)/registry } }
                    http: { addr: "127.0.0.1:5000" }
                    """, to: "registry.yml")
                try await world.shell("docker-registry serve registry.yml > registry.log 2>&1 & echo $!")
                try world.write("one", to: "src")
                try world.write(Self.dockerfile, to: "Dockerfile")
                let cache = "type=registry,ref=127.0.0.1:5000/team/cache:main"
                try await world.eventually("the registry takes the cache") {
                    try await world.attempt(
                        "image", "build", "-t", "app", "--cache-to", "\(cache),mode=max", "."
                    ).status == 0
                }
                let before = try await Self.layers("app", in: world)
                try await Self.wipe(world)
                let built = try await world.berth(
                    "--progress", "plain", "image", "build", "-t", "app", "--cache-from", cache, "--why", ".")
                #expect(try await Self.layers("app", in: world) == before, "\(built)")
                #expect(
                    Self.count(built.stderr, "because it was in the cache 127.0.0.1:5000/team/cache:main") == 5,
                    "\(built)")

                // Inside an image: that of a stage alone, for only what ends in the image is there.
                try world.write("FROM busybox\nWORKDIR /app\nCOPY src .\nRUN date +%N > /when", to: "Dockerfile")
                try await world.berth(
                    "image", "build", "-t", "127.0.0.1:5000/team/app:1", "--cache-to", "type=inline", "--push", ".")
                let own = try await Self.layers("127.0.0.1:5000/team/app:1", in: world)
                try await Self.wipe(world)
                try world.write(
                    "services: { web: { build: { context: ., cache_from: ['127.0.0.1:5000/team/app:1'] } } }")
                let inline = try await world.berth("--progress", "plain", "build", "--why")
                #expect(try await Self.layers("cache-registry-web", in: world) == own, "\(inline)")
                try world.write("FROM busybox\nRUN echo other > /made", to: "Dockerfile")
                let missing = try await world.berth(
                    "--progress", "plain", "image", "build", "--cache-from", "127.0.0.1:5000/team/none", ".")
                #expect(missing.stderr.contains("the cache 127.0.0.1:5000/team/none is not used"), "\(missing)")
                let unwritten = try await world.attempt(
                    "image", "build", "--cache-to", "type=registry,ref=127.0.0.1:1/none", ".")
                #expect(unwritten.status == 1 && unwritten.stderr.contains("cannot be written"), "\(unwritten)")
                try await world.berth(
                    "image", "build", "--cache-to", "type=registry,ref=127.0.0.1:1/none,ignore-error=true", ".")
            }
        }

        @Test("an image in a folder is a base and a source, by tag and by digest")
        func layout() async throws {
            let compose = """
                services:
                  web:
                    build:
                      context: .
                      dockerfile_inline: |
                        FROM base
                        COPY --from=other /word /other
                      additional_contexts:
                        base: oci-layout://layout
                        other: oci-layout://./layout:latest
                    command: cat /word /other
                """
            try await World.with(project: "layout", compose) { world in
                try world.write("FROM busybox\nRUN echo hello > /word", to: "Dockerfile")
                try await world.shell(
                    "berth image build -o type=oci,dest=out.tar -t host/made:latest . && mkdir layout && tar -xf out.tar -C layout"
                )
                try await Self.wipe(world)
                let digest = try await world.shell("grep -o 'sha256:[0-9a-f]*' layout/index.json | head -1")
                try await world.berth("build")
                #expect(try await world.berth("run", "--rm", "-T", "web").stdout == "hello\nhello\n")
                try world.write("FROM base\nRUN cat /word > /again", to: "Dockerfile")
                try await world.berth("image", "build", "--build-context", "base=oci-layout://layout@\(digest)", ".")
                let missing = try await world.attempt(
                    "image", "build", "--build-context", "base=oci-layout://layout:nothing", ".")
                #expect(missing.status == 1 && missing.stderr.contains("the layout has latest"), "\(missing)")
                let none = try await world.attempt("image", "build", "--build-context", "base=oci-layout://none", ".")
                #expect(none.status == 1 && none.stderr.contains("No such file or directory"), "\(none)")
            }
        }

        @Test(
            "an image for another platform is made on this one, and a RUN that cannot run is told before anything does")
        func platforms() async throws {
            try await World.with(project: "platforms") { world in
                try world.write(
                    """
                    FROM --platform=$BUILDPLATFORM busybox AS build
                    ARG BUILDPLATFORM TARGETPLATFORM
                    ARG TARGETOS TARGETARCH TARGETVARIANT
                    RUN echo $TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT > /said; echo $BUILDPLATFORM >> /said
                    FROM scratch
                    COPY --from=build /said /said
                    """, to: "Dockerfile")
                try await world.berth(
                    "image", "build", "--platform", "linux/arm/v7", "-t", "foreign", "-o", "out", "-o", "type=image",
                    ".")
                let said = try await world.shell("cat out/said")
                #expect(
                    said.hasPrefix("linux/arm/v7 linux arm v7\nlinux/") && !said.contains("\nlinux/arm/v7"), "\(said)")
                let image = try await world.shell(
                    "berth image inspect -f '{{.Os}} {{.Architecture}}' foreign")
                #expect(image == "linux arm", "\(image)")
                try world.write(
                    "FROM busybox AS a\nRUN true\nFROM scratch\nCOPY --from=a /etc /etc\nRUN true", to: "Dockerfile")
                let refused = try await world.attempt(
                    "--progress", "plain", "image", "build", "--platform", "linux/mips64", ".")
                #expect(refused.status == 1 && !refused.stderr.contains("DONE"), "\(refused)")
                #expect(
                    refused.stderr.contains("Dockerfile:2:1: error: this RUN needs linux/mips64"),
                    "\(refused)")
                #expect(refused.stderr.contains("qemu-user-static"), "\(refused)")
                let several = try await world.attempt("image", "build", "--platform", "linux/amd64,linux/arm64", ".")
                #expect(several.status != 0 && several.stderr.contains("cannot be built at once"), "\(several)")
            }
        }

        @Test("where a service is for several platforms, up builds for this machine, and build wants to know which")
        func severalPlatforms() async throws {
            let compose = """
                services:
                  web:
                    build:
                      dockerfile_inline: "FROM busybox\\nRUN true"
                      platforms: [linux/amd64, linux/arm64, linux/s390x]
                    command: sleep infinity
                    stop_grace_period: 0s
                """
            try await World.with(project: "several-platforms", compose) { world in
                let refused = try await world.attempt("build")
                #expect(
                    refused.status == 1 && refused.stderr.contains("DOCKER_DEFAULT_PLATFORM=linux/amd64"), "\(refused)")
                try await world.berth("up", "-d")
                #expect(try await world.container("web").state == .running)
                let other = try await world.shell("DOCKER_DEFAULT_PLATFORM=linux/s390x berth build 2>&1 || true")
                #expect(other.contains("this RUN needs linux/s390x"), "\(other)")
            }
        }

        @Test("the steps of a build reach the services of a network that the build names")
        func namedNetwork() async throws {
            let compose = """
                services:
                  db:
                    image: busybox
                    command: httpd -f -p 80 -h /etc
                    networks: [back]
                    stop_grace_period: 0s
                  web:
                    build:
                      network: back
                      dockerfile_inline: |
                        FROM busybox
                        RUN wget -q -O /got http://db/hostname
                    command: sleep infinity
                    profiles: [later]
                networks: { back: {} }
                """
            try await World.with(project: "build-network", compose) { world in
                let missing = try await world.attempt("build", "web")
                #expect(
                    missing.status == 1 && missing.stderr.contains("there is no network build-network_back"),
                    "\(missing)")
                try await world.berth("up", "-d", "db")
                try await world.berth("build", "web")
                try world.write(
                    "FROM busybox\nRUN wget -q -O /got http://db/hostname\nRUN --network=none ! wget -q http://db/",
                    to: "Dockerfile")
                try await world.berth("image", "build", "--network", "build-network_back", ".")
            }
        }
    }
}
