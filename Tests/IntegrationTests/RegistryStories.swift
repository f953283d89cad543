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
