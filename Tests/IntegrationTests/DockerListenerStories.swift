import EngineWire
import Glibc
import JSON
import Linux
import Synchronization
import Testing

extension Stories {
    /// The places where clients of Docker reach the engine, and what clients of bad will can do there.
    @Suite struct DockerListeners {
        /// Ends the engine; the next one starts with these variables.
        private func restart(_ world: World, _ variables: String) async throws {
            try await world.killEngine()
            try await world.shell("\(variables) berth container ls")
        }

        @Test(
            "tcp:// lets in whom the authority knows: certificates of berth cert, curl and the docker command",
            .enabled(if: DockerClients.openssl != nil, "there is no openssl"))
        func mutualTLS() async throws {
            try await World.with(project: "dockertls") { world in
                let tls = "\(world.folder)/tls"
                let made = try await world.berth(
                    "cert", tls, "--host", "localhost", "--host", "127.0.0.1", "--client", "alice")
                #expect(made.stdout.contains("created \(tls)/ca.pem") && made.stderr.isEmpty, "\(made)")
                #expect(
                    try await world.shell("cd \(tls); stat -c '%a %n' ca-key.pem server-key.pem clients/alice/key.pem")
                        == "600 ca-key.pem\n600 server-key.pem\n600 clients/alice/key.pem")
                let again = try await world.berth("cert", tls, "--client", "bob")
                #expect(
                    again.stdout.contains("kept \(tls)/server-cert.pem")
                        && again.stdout.contains("created \(tls)/clients/bob"))
                try await world.berth("cert", "\(world.folder)/other", "--host", "localhost")
                let settings =
                    "BERTH_DOCKER_HOSTS=tcp://127.0.0.1:12376 BERTH_TLSCACERT=\(tls)/ca.pem BERTH_TLSCERT=\(tls)/server-cert.pem "
                    + "BERTH_TLSKEY=\(tls)/server-key.pem"
                try await restart(world, settings)
                @Sendable func curl(_ folder: String, _ more: String = "") async throws -> String {
                    try await world.shell(
                        "curl -s --max-time 10 --cacert \(tls)/ca.pem \(more) https://localhost:12376/_ping; echo \" $?\""
                    )
                }
                let alice = "--cert \(tls)/clients/alice/cert.pem --key \(tls)/clients/alice/key.pem"
                let stranger =
                    "--cert \(world.folder)/other/clients/client/cert.pem --key \(world.folder)/other/clients/client/key.pem"
                #expect(try await curl(tls, alice) == "OK 0")
                #expect(
                    try await curl(tls, "--cert \(tls)/clients/bob/cert.pem --key \(tls)/clients/bob/key.pem") == "OK 0"
                )
                for more in ["", stranger] {
                    let refused = try await curl(tls, more)
                    #expect(!refused.contains("OK"), "\(more): \(refused)")
                }
                #expect(
                    try await world.shell("curl -s --max-time 5 http://localhost:12376/_ping || echo none") == "none")
                // A certificate of the server is none of a client.
                let server = try await curl(tls, "--cert \(tls)/server-cert.pem --key \(tls)/server-key.pem")
                #expect(!server.contains("OK"), "\(server)")
                let host = try await world.berth("docker-host", "--tcp", "--export", "--certs", "\(tls)/clients/alice")
                    .trimmed
                #expect(
                    host
                        == "export DOCKER_HOST=tcp://127.0.0.1:12376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=\(tls)/clients/alice"
                )
                if let docker = DockerClients.docker {
                    #expect(try await world.shell("\(host); \(docker) run --rm busybox echo far") == "far")
                    #expect(try await world.shell("\(host); echo in | \(docker) run -i --rm busybox cat") == "in")
                }
                // New certificates are taken over while it runs.
                try await world.berth("cert", tls, "--renew", "--host", "localhost", "--client", "alice")
                let serial = try await world.shell("openssl x509 -in \(tls)/server-cert.pem -noout -serial")
                let engine = try await world.engineProcess()
                try await world.shell("kill -HUP \(engine)")
                try await world.eventually("the new certificate is shown") {
                    try await world.shell(
                        "openssl s_client -connect 127.0.0.1:12376 \(alice.replacing("--", with: "-")) </dev/null 2>/dev/null | openssl x509 -noout -serial"
                    ) == serial
                }
                #expect(try await curl(tls, alice) == "OK 0")
                #expect(try await world.engineProcess() == engine)
            }
        }

        @Test("tcp:// without certificates is refused, or served with a warning that nobody overlooks")
        func openTCP() async throws {
            try await World.with(project: "dockeropen") { world in
                let refused = try await world.shell(
                    "BERTH_DOCKER_HOSTS=tcp://127.0.0.1:12375 berthd --check 2>&1; echo $?")
                #expect(refused.contains("is root on this machine") && refused.hasSuffix("1"), "\(refused)")
                try await restart(world, "BERTH_DOCKER_HOSTS=tcp://127.0.0.1:12375 BERTH_DOCKER_INSECURE_TCP=true")
                #expect(try await world.shell("curl -s http://127.0.0.1:12375/_ping") == "OK")
                #expect(
                    try await world.shell("cat \(world.run)/berthd.log").contains(
                        "WARNING: anybody who reaches tcp://127.0.0.1:12375 is root"))
                #expect(
                    try await world.shell("curl -s http://127.0.0.1:12375/info").contains("is root on this machine"))
                // A port that is taken harms neither the other places nor the start.
                try await world.shell("busybox nc -ll -p 12377 -s 127.0.0.1 -e true >/dev/null 2>&1 &")
                try await restart(
                    world,
                    "BERTH_DOCKER_HOSTS=tcp://127.0.0.1:12377,tcp://127.0.0.1:12375,unix://\(world.folder)/more.sock BERTH_DOCKER_INSECURE_TCP=1"
                )
                #expect(try await world.shell("curl -s http://127.0.0.1:12375/_ping") == "OK")
                #expect(try await world.shell("curl -s --unix-socket \(world.folder)/more.sock http://d/_ping") == "OK")
                #expect(
                    try await world.berth("docker-host", "--all").lines
                        == [
                            "unix://\(world.run)/docker.sock", "tcp://127.0.0.1:12377", "tcp://127.0.0.1:12375",
                            "unix://\(world.folder)/more.sock",
                        ])
            }
        }

        @Test("the socket for looking shows containers, and gives neither change nor files nor secrets")
        func readOnly() async throws {
            let compose = """
                services:
                  web: {image: busybox, command: "sleep 600", init: true, environment: {PASSWORD: hunter2}}
                """
            try await World.with(project: "dockerlook", compose) { world in
                let place = "\(world.folder)/look.sock"
                try await restart(world, "BERTH_DOCKER_READONLY_SOCKET=\(place) BERTH_DOCKER_SOCKET_MODE=600")
                try await world.berth("up", "-d")
                @Sendable func ask(_ path: String, _ method: String = "GET") async throws -> String {
                    try await world.shell(
                        "curl -s -X \(method) --max-time 10 -w ' %{http_code}' --unix-socket \(place) 'http://d\(path)'"
                    )
                }
                #expect(try await world.shell("stat -c %a \(place)") == "600")
                for path in [
                    "/_ping", "/containers/json", "/info", "/images/json", "/containers/dockerlook-web-1/logs?stdout=1",
                    "/containers/dockerlook-web-1/stats?stream=0", "/events?since=1&until=2", "/volumes", "/networks",
                ] {
                    #expect(try await ask(path).hasSuffix(" 200"), "\(path)")
                }
                let inspected = try await ask("/containers/dockerlook-web-1/json")
                #expect(inspected.contains("PASSWORD=hidden") && !inspected.contains("hunter2"), "\(inspected)")
                for (path, method) in [
                    ("/containers/create", "POST"), ("/containers/dockerlook-web-1/stop", "POST"),
                    ("/containers/dockerlook-web-1", "DELETE"), ("/containers/dockerlook-web-1/exec", "POST"),
                    ("/containers/dockerlook-web-1/attach?stream=1", "POST"),
                    ("/containers/dockerlook-web-1/attach/ws?stream=1", "GET"),
                    ("/containers/dockerlook-web-1/archive?path=/etc", "GET"),
                    ("/containers/dockerlook-web-1/archive?path=/etc", "PUT"),
                    ("/containers/dockerlook-web-1/export", "GET"),
                    ("/images/busybox/get", "GET"), ("/images/load", "POST"), ("/v1.41/volumes/prune", "POST"),
                ] {
                    let answer = try await ask(path, method)
                    #expect(
                        answer.hasSuffix(" 403") && answer.contains("this socket is read-only"),
                        "\(method) \(path): \(answer)")
                }
                #expect(try await world.container("web").state == .running)
                #expect(try await world.berth("docker-host", "--read-only").trimmed == "unix://\(place)")
                // The other socket tells all.
                #expect(
                    try await world.shell(
                        "curl -s --unix-socket \(world.run)/docker.sock http://d/containers/dockerlook-web-1/json"
                    ).contains("hunter2"))
            }
        }

        @Test(
            "a daemon.json of dockerd holds: its log options, limits, labels and addresses; SIGHUP changes what can change"
        )
        func daemonFile() async throws {
            let compose = """
                services:
                  web: {image: busybox, command: "sleep 600", init: true}
                """
            try await World.with(project: "daemonjson", compose) { world in
                try writeFileAtomically(
                    "\(world.folder)/daemon.json",
                    Array(
                        #"""
                        {"log-driver": "local", "log-opts": {"max-size": "1m"}, "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 640, "Soft": 320}},
                         "no-new-privileges": true, "labels": ["where=here"], "bip": "10.77.0.1/24", "mtu": 1400, "ip": "127.0.0.1",
                         "default-shm-size": "32M", "live-restore": true, "log-level": "warn"}
                        """#.utf8))
                try await restart(world, "BERTH_DOCKER_CONFIG=\(world.folder)/daemon.json")
                @Sendable func ask(_ path: String) async throws -> String {
                    try await world.shell("curl -s --unix-socket \(world.run)/docker.sock http://d\(path)")
                }
                let info = try await ask("/info")
                #expect(info.contains("\"where=here\"") && info.contains(#""LoggingDriver":"local""#), "\(info)")
                try await world.berth("up", "-d")
                let limits = try await world.berth(
                    "exec", "-T", "web", "sh", "-c",
                    "ulimit -n; grep NoNewPrivs /proc/self/status | cut -f2; df -m /dev/shm | tail -1 | awk '{print $2}'; cat /sys/class/net/eth0/mtu"
                )
                #expect(limits.lines == ["320", "1", "32", "1400"], "\(limits)")
                #expect(try await ask("/containers/daemonjson-web-1/json").contains(#""LogConfig":{"Type":"local""#))
                #expect(try await ask("/networks/bridge").isEmpty == false)
                try await world.berth(
                    "container", "create", "--name", "free", "-p", "18209:80", "busybox", "sleep", "600")
                #expect(try await ask("/networks/bridge").contains("10.77.0.0/24"))
                let log = "\(world.run)/berthd.log"
                let before = try await world.shell("wc -l < \(log)")
                try await world.shell(
                    "sed -i s/warn/debug/ \(world.folder)/daemon.json; kill -HUP \(try await world.engineProcess())")
                try await world.eventually("it says that it read them") {
                    try await world.shell("tail -n +\(before) \(log)").contains("read the settings again")
                }
                try await world.shell(
                    "echo '{' > \(world.folder)/daemon.json; kill -HUP \(try await world.engineProcess())")
                try await world.eventually("it says what is wrong") {
                    try await world.shell("cat \(log)").contains(
                        "kept the old settings: \(world.folder)/daemon.json:")
                }
                #expect(try await ask("/_ping") == "OK")
            }
        }

        @Test("a container is attached to over a websocket")
        func webSocket() async throws {
            try await World.with(project: "dockerws") { world in
                try await world.shell(
                    "curl -s --unix-socket \(world.run)/docker.sock -H 'content-type: application/json' -d "
                        + "'{\"Image\":\"busybox\",\"Cmd\":[\"cat\"],\"OpenStdin\":true,\"StdinOnce\":true}' 'http://d/containers/create?name=cat' "
                        + "&& curl -s -X POST --unix-socket \(world.run)/docker.sock http://d/containers/cat/start")
                let path = "\(world.run)/docker.sock"
                let answer = try await BlockingPool(name: "websocket", limit: 1).run {
                    let connection = try UnixSocket.connect(path)
                    let request = """
                        GET /v1.41/containers/cat/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nhost: d\r\nconnection: Upgrade\r\n\
                        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                        """
                    try connection.write(Array(request.utf8))
                    var head: [UInt8] = []
                    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                        let byte = try connection.readSome(limit: 1)
                        if byte.isEmpty { break }
                        head += byte
                    }
                    // "hi\n", masked with zeros.
                    try connection.write([0x82, 0x83, 0, 0, 0, 0] + Array("hi\n".utf8))
                    var frames: [UInt8] = []
                    while frames.count < 5 {
                        let more = try connection.readSome()
                        if more.isEmpty { break }
                        frames += more
                    }
                    // A goodbye ends the input, and so the program.
                    try connection.write([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])
                    while true {
                        let more = (try? connection.readSome()) ?? []
                        if more.isEmpty { break }
                        frames += more
                    }
                    return (String(decoding: head.prefix(12), as: UTF8.self), frames)
                }
                #expect(answer.0 == "HTTP/1.1 101")
                #expect(answer.1 == [0x82, 3] + Array("hi\n".utf8) + [0x88, 2, 0x03, 0xE8], "\(answer.1)")
                try await world.eventually("the program has ended") {
                    try await world.shell("curl -s --unix-socket \(path) http://d/containers/cat/json").contains(
                        #""Status":"exited""#)
                }
            }
        }

        @Test(
            "clients that are idle, slow, huge or deaf cost little, and hold up neither berth nor other clients nor containers"
        )
        func hostile() async throws {
            let compose = """
                services:
                  loud: {image: busybox, command: ["sh", "-c", "yes 0123456789012345678901234567890123456789 | tee /dev/null"], stop_grace_period: 0s,
                    logging: {options: {max-size: 1m, max-file: "2"}}}
                """
            try await World.with(project: "dockerhostile", compose) { world in
                try await world.berth("up", "-d")
                let path = "\(world.run)/docker.sock"
                let pid = try await world.engineProcess()
                @Sendable func memory() async throws -> Int {
                    Int(try await world.shell("awk '/^RssAnon/ {print $2}' /proc/\(pid)/status")) ?? 0
                }
                @Sendable func isAnswered() async throws {
                    #expect(try await world.shell("curl -s --max-time 20 --unix-socket \(path) http://d/_ping") == "OK")
                    #expect(try await world.berth("ps", "-q").lines.count == 1)
                }
                let before = try await memory()
                let pool = BlockingPool(name: "hostile", limit: 8)
                let held = Connections()
                // 500 that say nothing, and 50 in the middle of a head.
                try await pool.run {
                    for number in 0..<550 {
                        guard let connection = try? UnixSocket.connect(path, waits: true) else { continue }
                        if number >= 500 { try? connection.write(Array("GET /info HTTP/1.1\r\nhost: d\r\na: ".utf8)) }
                        held.add(connection)
                    }
                }
                try await isAnswered()
                // Deaf ones: they ask, and read nothing.
                let name = "dockerhostile-loud-1"
                try await pool.run {
                    for request in [
                        "POST /containers/\(name)/attach?stream=1&stdout=1&logs=1",
                        "GET /containers/\(name)/logs?stdout=1&follow=1",
                        "GET /events?since=1", "GET /containers/\(name)/stats", "GET /containers/\(name)/export",
                    ] {
                        for _ in 0..<5 {
                            let connection = try UnixSocket.connect(path)
                            try connection.write(Array("\(request) HTTP/1.1\r\nhost: d\r\n\r\n".utf8))
                            held.add(connection)
                        }
                    }
                }
                try await isAnswered()
                // The container writes on, though nobody reads.
                let log = try await world.shell("readlink -f \(world.root)/containers/*/log.json")
                let first = try await world.shell("stat -c '%i %s %Y' \(log)")
                try await world.eventually("it writes on") {
                    try await world.shell("stat -c '%i %s %Y' \(log)") != first
                }
                // 200 that come and go.
                try await pool.run {
                    for _ in 0..<200 {
                        let connection = try UnixSocket.connect(path)
                        try? connection.write(
                            Array(
                                "POST /containers/\(name)/attach?stream=1&stdout=1 HTTP/1.1\r\nhost: d\r\nupgrade: tcp\r\nconnection: Upgrade\r\n\r\n"
                                    .utf8))
                        _ = try? connection.readSome()
                    }
                }
                try await isAnswered()
                let grown = try await memory() - before
                #expect(grown < 64 << 10, "KiB: \(grown)")
                held.close()
                try await world.berth("down")
                #expect(try await world.engineProcess() == pid)
            }
        }
    }
}

/// Connections that are held open until told otherwise.
private final class Connections: Sendable {
    // The mutex guards the list.
    private let held = Mutex<[CInt]>([])

    func add(_ connection: consuming OwnedFD) {
        let raw = connection.release()
        held.withLock { $0.append(raw) }
    }

    func close() {
        let all = held.withLock { held in
            defer { held = [] }
            return held
        }
        for raw in all { Glibc.close(raw) }
    }
}
