import Engine
import EngineWire
import JSON
import Linux
import Logging
import Networking
import Testing

@Suite("What an engine is told") struct SettingsTests {
    /// Reads settings with a configuration file that is held in memory.
    private func settings(
        file: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:]
    ) throws(EngineFailure) -> EngineSettings {
        try SettingsReader(environment: environment, flags: flags) { path throws(SyscallError) in
            path == DaemonFile.standardPath ? Array("{}".utf8) : file.map { Array($0.utf8) }
        }.settings()
    }

    @Test("a file says all that may stand in it")
    func file() throws {
        let read = try settings(
            file: """
                {
                  "$schema": "x",
                  "log-level": "debug", "idle-exit": 0, "insecure-registries": ["r.lan:5000", "10.0.0.0/8"],
                  "default-address-pools": [{"base": "10.200.0.0/16", "size": 24}, {"base": "fd00::/48", "size": 64}],
                  "dns": ["10.0.0.53", "fd00::53"], "log-max-size": "1g", "log-max-file": 7,
                  "build-cache-size": "2g"
                }
                """)
        #expect(read.logLevel == .debug && read.idleExit == 0)
        #expect(read.insecureRegistries == ["r.lan:5000", "10.0.0.0/8"])
        #expect(read.addressPools.pools.map { "\($0.base) \($0.size)" } == ["10.200.0.0/16 24", "fd00::/48 64"])
        #expect(read.nameServers == ["10.0.0.53", "fd00::53"])
        #expect(read.logMaximumSize == 1 << 30 && read.logMaximumFiles == 7 && read.buildCacheSize == 2 << 30)
        #expect(read.root == "/var/lib/berth")
    }

    @Test("flags win over variables, variables over the file, the file over the defaults")
    func precedence() throws {
        let file = #"{"idle-exit": 1, "log-max-file": 4, "log-level": "error"}"#
        let read = try settings(
            file: file, environment: ["BERTH_IDLE_EXIT": "2", "BERTH_LOG_MAX_FILE": "5", "BERTH_DNS": ""],
            flags: ["idle-exit": "3"])
        #expect(read.idleExit == 3 && read.logMaximumFiles == 5 && read.logLevel == .error && read.nameServers == [])
        #expect(read.logMaximumSize == 10 << 20)
        #expect(try settings() == EngineSettings())
    }

    @Test("lists and pools have a form on one line, for variables and flags")
    func lines() throws {
        let read = try settings(
            environment: [
                "BERTH_ROOT": "/r", "BERTH_INSECURE_REGISTRIES": "a,b:5000", "BERTH_DNS": "1.1.1.1,::1",
                "BERTH_ADDRESS_POOLS": "10.200.0.0/16:24,fd00::/48:64", "BERTH_LOG_MAX_SIZE": "5k",
            ])
        #expect(read.paths.socket == "/run/berth/berthd.sock" && read.root == "/r")
        #expect(read.insecureRegistries == ["a", "b:5000"] && read.nameServers == ["1.1.1.1", "::1"])
        #expect(read.addressPools.pools.map { "\($0.base) \($0.size)" } == ["10.200.0.0/16 24", "fd00::/48 64"])
        #expect(read.logMaximumSize == 5 << 10)
    }

    @Test(
        "a mistake is named with its place and with what would be right",
        arguments: [
            ("{", ":1:2: "), ("[]", "expected an object with settings in it"),
            ("{\n  \"idel-exit\": 1}", ":2:3: there is no setting 'idel-exit'"),
            ("{\"idle-exit\": \"1\"}", ":1:15: idle-exit: expected a number of seconds, 0 or more, found \"1\""),
            ("{\"idle-exit\": -1}", "found -1"), ("{\"idle-exit\": 1.5}", "found 1.5"),
            ("{\"dns\": [\n \"1.1.1.1\", \"x\"]}", ":2:13: dns[1]: expected an IP address, found \"x\""),
            ("{\"dns\": \"1.1.1.1\"}", "expected a list"),
            (
                "{\"default-address-pools\": [{\"base\": \"10.0.0.0/16\", \"size\": 8}]}",
                ":1:28: default-address-pools[0]: expected a range"
            ),
            (
                "{\"default-address-pools\": [{\"base\": \"10.0.0.0/16\", \"x\": 8}]}",
                "default-address-pools[0].x: expected only 'base' and 'size'"
            ),
            ("{\"log-level\": \"loud\"}", "expected one of trace, debug, info, notice, warning, error, critical"),
            ("{\"log-max-size\": \"0\"}", "expected a size such as 10m"),
            ("{\"log-max-file\": 0}", "1 or more, found 0"),
            ("{\"insecure-registries\": [\"http://r\"]}", "expected a host"),
            ("{\"root\": \"/x\"}", "'root' cannot be in the file"),
            ("{\"dns\": [], \"dns\": []}", ":1:"),
            ("{\"docker-hosts\": [\"http://x\"]}", "docker-hosts[0]: expected unix://PATH, tcp://HOST:PORT or fd://"),
            ("{\"docker-socket-mode\": \"888\"}", "expected a mode such as 660"),
            ("{\"docker-socket-mode\": 660}", "expected a mode such as 660"),
            ("{\"docker-insecure-tcp\": \"yes\"}", "expected true or false"),
            ("{\"docker-group\": \"a b\"}", "expected the name of a group"),
            ("{\"registry-mirrors\": [\"mirror.lan\"]}", "registry-mirrors[0]: expected https://HOST"),
        ])
    func mistakes(_ text: String, _ part: String) {
        let failure = #expect(throws: EngineFailure.self) { try settings(file: text) }
        #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "")")
        #expect(failure?.message.hasPrefix(SettingsReader.defaultFile) == true)
    }

    @Test("a host at TCP lets in whom an authority knows, unless that was waived")
    func hostsAtTCP() throws {
        let host = #""docker-hosts": ["tcp://0.0.0.0:2376"]"#
        let files = #""tlscacert": "/ca", "tlscert": "/cert", "tlskey": "/key""#
        for file in [host, "\(host), \"tlscert\": \"/cert\", \"tlskey\": \"/key\"", "\(host), \"tlscacert\": \"/ca\""] {
            let failure = #expect(throws: EngineFailure.self) { try settings(file: "{\(file)}") }
            #expect(failure?.message.contains("is root on this machine") == true)
            #expect(failure?.hint?.contains("berth cert") == true)
        }
        #expect(try settings(file: "{\(host), \(files)}").hasMutualTLS)
        let open = try settings(file: "{\(host), \"docker-insecure-tcp\": true}")
        #expect(!open.hasMutualTLS && open.insecureTCP)
        #expect(throws: EngineFailure.self) {
            try settings(file: "{\(host), \"docker-insecure-tcp\": true, \"tlskey\": \"/key\"}")
        }
    }

    @Test(
        "hosts are written as dockerd writes them",
        arguments: [
            ("unix:///run/x.sock", "unix:///run/x.sock"), ("tcp://0.0.0.0:2375", "tcp://0.0.0.0:2375"),
            ("tcp://:1", "tcp://127.0.0.1:1"), ("tcp://engine.lan", "tcp://engine.lan:2376"),
            ("tcp://[::]:5/", "tcp://[::]:5"), ("tcp://[fd00::1]", "tcp://[fd00::1]:2376"), ("fd://", "fd://"),
            ("fd://*", "fd://"), ("unix://relative", nil), ("tcp://a:b", nil), ("tcp://a:70000", nil),
            ("tcp://a/b", nil), ("http://a", nil), ("", nil), ("ssh://a", nil),
        ] as [(String, String?)])
    func hosts(text: String, expected: String?) { #expect(DockerHost(text)?.description == expected) }

    @Test("a wrong variable or flag is named")
    func wrongTexts() {
        let variable = #expect(throws: EngineFailure.self) { try settings(environment: ["BERTH_LOG": "loud"]) }
        #expect(variable?.message.hasPrefix("BERTH_LOG: expected one of") == true)
        let flag = #expect(throws: EngineFailure.self) { try settings(flags: ["root": ""]) }
        #expect(flag?.message == "--root: expected an absolute path, found \"\"")
    }

    @Test("a file that was named must be there; the one in /etc need not be")
    func missing() {
        let failure = #expect(throws: EngineFailure.self) { try settings(environment: ["BERTH_CONFIG": "/x.json"]) }
        #expect(failure?.message == "there is no configuration /x.json")
        #expect(throws: Never.self) { try settings() }
    }

    @Test("every setting is documented, takes its own example, and has a variable")
    func declared() throws {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(setting.documentation.hasSuffix(".") && setting.variable.hasPrefix("BERTH_"))
            guard setting.isInFile else { continue }
            let text = JSONValue(dictionaryLiteral: (setting.name, setting.example)).text()
            #expect(try settings(file: text) != EngineSettings(), "\(text)")
        }
    }

    private func stored(_ path: String) throws -> String {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try readText("/\(folder)/\(path)")
    }

    @Test("the schema in the repository is the one that the settings give")
    func schema() throws {
        #expect(
            try stored("schemas/berth-config.schema.json") == configurationSchema().text(.pretty(indent: 2)),
            "write it anew: berthd --schema")
    }

    @Test("the page about the engine has the table that the settings give")
    func table() throws {
        #expect(try stored("docs/engine.md").contains(settingsTable()), "berthd --settings prints it")
    }
}
