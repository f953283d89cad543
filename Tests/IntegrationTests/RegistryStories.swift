import EngineWire
import Linux
import Testing

extension Stories {
    /// Images from registries that want to know who asks.
    @Suite(
        .enabled(if: fileExists("/usr/bin/docker-registry") && fileExists("/usr/bin/skopeo"), "needs docker-registry"))
    struct Registries {
        /// `berth:open sesame`, as a Docker configuration and as a registry's password file have it.
        private static let login = "YmVydGg6b3BlbiBzZXNhbWU="
        private static let passwordFile = "berth:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"

        /// A world with a private registry on 127.0.0.1:5000 that has `shop/web:1`, and a project that wants it.
        private static func with(_ project: String, _ body: (World) async throws -> Void) async throws {
            let compose = "services: { web: { image: '127.0.0.1:5000/shop/web:1', command: sleep infinity } }"
            try await World.with(project: project, compose) { world in
                try world.write(passwordFile, to: "htpasswd")
                try world.write(
                    """
                    version: 0.1
                    log: { accesslog: { disabled: true } }
                    storage: { filesystem: { rootdirectory: \(world.folder)/registry } }
                    http: { addr: "127.0.0.1:5000" }
                    auth: { htpasswd: { realm: berth, path: \(world.projectFolder)/htpasswd } }
                    """, to: "registry.yml")
                try await world.shell("docker-registry serve registry.yml > registry.log 2>&1 & echo $!")
                let push = "skopeo --insecure-policy copy --dest-tls-verify=false --dest-creds 'berth:open sesame'"
                let archive = try BusyboxImage.archive
                try await world.eventually("the registry takes the image") {
                    try await world.shell(
                        "\(push) tarball:\(archive) docker://127.0.0.1:5000/shop/web:1 >&2 && echo done || true")
                        == "done"
                }
                try await body(world)
            }
        }

        @Test("up fetches with the login of the caller's configuration, and keeps it nowhere")
        func storedLogin() async throws {
            try await Self.with("stored-login") { world in
                let denied = try await world.attempt("up", "-d")
                #expect(denied.status == 1 && denied.stderr.contains("pull access denied"), "\(denied)")
                let configuration = #"{ "auths": { "http://127.0.0.1:5000/v2/": { "auth": "\#(Self.login)" } } }"#
                try await world.shell("mkdir \(world.folder)/.docker")
                try writeFileAtomically("\(world.folder)/.docker/config.json", configuration.utf8)
                try await world.berth("up", "-d")
                #expect(try await world.container("web").state == .running)
                let traces = "grep -r -l -E 'sesame|\(Self.login)' \(world.root) \(world.run) || true"
                #expect(try await world.shell(traces) == "")
            }
        }

        @Test("an override file pins images to what the registry has now, with the caller's login, and works as one")
        func pinned() async throws {
            try await Self.with("pinned") { world in
                let configuration = #"{ "auths": { "127.0.0.1:5000": { "auth": "\#(Self.login)" } } }"#
                try await world.shell("mkdir \(world.folder)/.docker")
                try writeFileAtomically("\(world.folder)/.docker/config.json", configuration.utf8)
                let lock = try await world.berth("config", "--lock-image-digests").stdout
                #expect(lock.contains("image: 127.0.0.1:5000/shop/web:1@sha256:"), "\(lock)")
                try world.write(lock, to: "compose.override.yaml")
                try await world.berth("up", "-d")
                let image = try await world.berth("config", "--images").stdout
                #expect(lock.contains(image.split(separator: "\n")[0]) && image.contains("@sha256:"), "\(image)")
                #expect(try await world.container("web").state == .running)
            }
        }

        @Test("run, create and pull ask a credential helper, and up does not when the image is there")
        func helper() async throws {
            try await Self.with("helper") { world in
                let helper = """
                    #!/bin/sh
                    [ "$1" = get ] && read -r server && [ "$server" = 127.0.0.1:5000 ] || exit 1
                    echo asked >> \(world.projectFolder)/asked
                    echo '{ "ServerURL": "127.0.0.1:5000", "Username": "berth", "Secret": "open sesame" }'
                    """
                try world.write(helper, to: "docker-credential-shop")
                try await world.shell("chmod +x docker-credential-shop; mkdir \(world.folder)/.docker")
                try writeFileAtomically(
                    "\(world.folder)/.docker/config.json", #"{ "credHelpers": { "127.0.0.1:5000": "shop" } }"#.utf8)
                for verb in ["run --rm web true", "create", "pull"] {
                    try await world.shell("PATH=$PWD:$PATH berth \(verb)")
                    try await world.berth("down")
                    try await world.berth("image", "rm", "127.0.0.1:5000/shop/web:1")
                }
                #expect(try await world.shell("wc -l < asked") == "3")
                try await world.shell("PATH=$PWD:$PATH berth image pull 127.0.0.1:5000/shop/web:1")
                try await world.shell("PATH=$PWD:$PATH berth up -d")
                #expect(try await world.shell("wc -l < asked") == "4")
            }
        }

        /// Stores the registry's login in the caller's configuration.
        private static func logIn(_ world: World) async throws {
            try await world.shell("mkdir \(world.folder)/.docker")
            try writeFileAtomically(
                "\(world.folder)/.docker/config.json",
                #"{ "auths": { "127.0.0.1:5000": { "auth": "\#(login)" } } }"#.utf8)
        }

        @Test("image push sends an image with the caller's login, once, and what is pulled is the same")
        func push() async throws {
            try await Self.with("push") { world in
                try await world.berth("image", "tag", "busybox", "127.0.0.1:5000/shop/own:1")
                try await world.berth("image", "tag", "busybox", "127.0.0.1:5000/shop/own:2")
                let denied = try await world.attempt("image", "push", "127.0.0.1:5000/shop/own:1")
                #expect(denied.status == 1 && denied.stderr.contains("push access denied"), "\(denied)")
                try await Self.logIn(world)
                let missing = try await world.attempt("image", "push", "127.0.0.1:5000/shop/none")
                #expect(missing.status == 1 && missing.stderr.contains("there is no local image"), "\(missing)")
                let pushed = try await world.berth("image", "push", "127.0.0.1:5000/shop/own:1")
                #expect(pushed.stdout == "127.0.0.1:5000/shop/own:1\n" && pushed.stderr.contains("Pushed"), "\(pushed)")
                let both = try await world.berth("image", "push", "-a", "-q", "127.0.0.1:5000/shop/own")
                #expect(both.stdout == "127.0.0.1:5000/shop/own:1\n127.0.0.1:5000/shop/own:2\n", "\(both)")
                let id = "berth image inspect -f '{{.Id}}'"
                let before = try await world.shell("\(id) busybox")
                try await world.berth("image", "rm", "-f", before)
                try await world.berth("image", "pull", "127.0.0.1:5000/shop/own:2")
                #expect(try await world.shell("\(id) 127.0.0.1:5000/shop/own:2") == before)
            }
        }

        @Test("push and build --push send what the project builds, and say what they leave out")
        func pushServices() async throws {
            try await Self.with("pushservices") { world in
                try world.write("FROM busybox\nRUN echo made > /made", to: "Dockerfile")
                try world.write(
                    """
                    services:
                      app:
                        build: { context: ., tags: ["127.0.0.1:5000/shop/app:also"] }
                        image: 127.0.0.1:5000/shop/app:1
                        depends_on: [base]
                      base: { build: ., image: "127.0.0.1:5000/shop/base:1" }
                      other: { build: . }
                      web: { image: "127.0.0.1:5000/shop/web:1" }
                    """)
                try await Self.logIn(world)
                let early = try await world.attempt("push", "app")
                #expect(early.status == 1 && early.stderr.contains("there is no local image"), "\(early)")
                let ignored = try await world.attempt("push", "--ignore-push-failures", "app")
                #expect(ignored.status == 0 && ignored.stderr.contains("there is no local image"), "\(ignored)")
                let trial = try await world.berth("--dry-run", "push", "--include-deps", "app")
                #expect(
                    trial.stdout
                        == "push 127.0.0.1:5000/shop/app:1\npush 127.0.0.1:5000/shop/app:also\npush 127.0.0.1:5000/shop/base:1\n",
                    "\(trial)")
                let built = try await world.berth("build", "--push", "app")
                #expect(built.stderr.contains("127.0.0.1:5000/shop/app:1  Pushed"), "\(built)")
                let tags = "curl -s -u 'berth:open sesame' http://127.0.0.1:5000/v2/shop/app/tags/list"
                let list = try await world.shell(tags)
                #expect(list.contains(#""1""#) && list.contains(#""also""#), "\(list)")
                try await world.berth("build")
                let pushed = try await world.berth("push")
                #expect(pushed.stderr.contains("127.0.0.1:5000/shop/base:1  Pushed"), "\(pushed)")
                #expect(!pushed.stderr.contains("shop/web:1"), "\(pushed)")
                let named = try await world.berth("push", "web", "other")
                #expect(
                    named.stderr.contains("service \"web\" is not pushed")
                        && named.stderr.contains("service \"other\" is not pushed"), "\(named)")
                for words in [["--push"], ["-o", "type=registry"], ["-o", "type=image,push=true"]] {
                    let name = "127.0.0.1:5000/shop/built:\(words.count)\(words[words.count - 1].count)"
                    let outcome = try await world.attempt(words: ["image", "build", "-t", name] + words + ["."])
                    #expect(outcome.status == 0 && outcome.stderr.contains("\(name)  Pushed"), "\(outcome)")
                }
                let nameless = try await world.attempt("image", "build", "--push", ".")
                #expect(nameless.status != 0 && nameless.stderr.contains("needs a name"), "\(nameless)")
                let wish = "type=image,name=127.0.0.1:5000/shop/wish:1,push=true"
                try await world.berth("image", "build", "-o", wish, ".")
                #expect(try await world.shell(tags.replacing("/app/", with: "/wish/")).contains(#"["1"]"#))
            }
        }

        @Test("docker push: its progress, every tag, its login; and what it asks of a registry without pulling")
        func dockerPush() async throws {
            try await Self.with("dockerpush") { world in
                let docker = DockerCommand(world)
                for tag in ["1", "2"] { _ = try await docker("tag busybox 127.0.0.1:5000/shop/d:\(tag)") }
                let denied = try await docker("push 127.0.0.1:5000/shop/d:1 2>&1; echo $?")
                #expect(denied.contains("push access denied") && denied.hasSuffix("1"), "\(denied)")
                try await Self.logIn(world)
                let pushed = try await docker("push 127.0.0.1:5000/shop/d:1")
                #expect(
                    pushed.contains("The push refers to repository [127.0.0.1:5000/shop/d]")
                        && pushed.contains("1: digest: sha256:"), "\(pushed)")
                let all = try await docker("push -a 127.0.0.1:5000/shop/d")
                #expect(all.contains("Layer already exists") && all.contains("2: digest: sha256:"), "\(all)")
                let missing = try await docker("push 127.0.0.1:5000/shop/none 2>&1; echo $?")
                #expect(
                    missing.contains("An image does not exist locally with the tag: 127.0.0.1:5000/shop/none:latest")
                        && missing.hasSuffix("1"), "\(missing)")
                #expect(
                    try await docker("inspect -f '{{index .RepoDigests 0}}' 127.0.0.1:5000/shop/d:1")
                        .hasPrefix("127.0.0.1:5000/shop/d@sha256:"))
                let ask =
                    "curl -sS --unix-socket \(world.run)/docker.sock http://d/distribution/127.0.0.1:5000/shop/d:1/json"
                #expect(try await world.shell(ask).contains("access denied"))
                let header = #"{"username":"berth","password":"open sesame"}"#
                let known = try await world.shell(
                    "\(ask) -H \"X-Registry-Auth: $(printf '%s' '\(header)' | base64 -w0)\"")
                #expect(known.contains("\"Platforms\":[{\"architecture\""), "\(known)")
                #expect(try await world.shell("grep -r -l sesame \(world.root) \(world.run) || true") == "")
            }
        }

        @Test("a registry with a certificate of its own authority is reached when that is in the folder of its name")
        func ownAuthority() async throws {
            try await World.with(project: "authority") { world in
                let prepare = """
                    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=registry \\
                        -addext subjectAltName=IP:198.51.100.1 2>/dev/null
                    mount -t tmpfs none /etc/docker 2>/dev/null || { mkdir -p /etc/docker && mount -t tmpfs none /etc/docker; }
                    """
                try await world.shell(prepare)
                try world.write(
                    """
                    version: 0.1
                    log: { accesslog: { disabled: true } }
                    storage: { filesystem: { rootdirectory: \(world.folder)/registry } }
                    http: { addr: "198.51.100.1:5443", tls: { certificate: cert.pem, key: key.pem } }
                    """, to: "registry.yml")
                try await world.shell("docker-registry serve registry.yml > registry.log 2>&1 & echo $!")
                let archive = try BusyboxImage.archive
                let push = "skopeo --insecure-policy copy --dest-tls-verify=false"
                try await world.eventually("the registry takes the image") {
                    try await world.shell(
                        "\(push) tarball:\(archive) docker://198.51.100.1:5443/web:1 >&2 && echo done || true")
                        == "done"
                }
                let unknown = try await world.attempt("image", "pull", "198.51.100.1:5443/web:1")
                #expect(unknown.status == 1, "\(unknown)")
                try await world.shell(
                    "mkdir -p /etc/docker/certs.d/198.51.100.1:5443 && cp cert.pem /etc/docker/certs.d/198.51.100.1:5443/ca.crt"
                )
                try await world.berth("image", "pull", "198.51.100.1:5443/web:1")
            }
        }
    }
}
