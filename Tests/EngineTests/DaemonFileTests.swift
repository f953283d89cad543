import EngineWire
import JSON
import Linux
import Logging
import Networking
import ProjectModel
import Testing

@testable import Engine

@Suite("dockerd's configuration") struct DaemonFileTests {
    private func settings(_ daemon: String, own: String = #"{"docker-config": "/d.json"}"#) throws(EngineFailure)
        -> EngineSettings
    {
        try SettingsReader(environment: [:], flags: [:]) { path throws(SyscallError) in
            Array((path == "/d.json" ? daemon : own).utf8)
        }.settings()
    }

    @Test("what has an effect acts")
    func acting() throws {
        let read = try settings(
            """
            {"hosts": ["unix:///var/run/docker.sock", "fd://", "tcp://0.0.0.0:2376"], "tls": true, "tlsverify": true,
             "tlscacert": "/ca.pem", "tlscert": "/cert.pem", "tlskey": "/key.pem", "group": "docker", "debug": true,
             "log-level": "warn", "log-driver": "local", "log-opts": {"max-size": "5m", "labels": "a,b", "env": "X", "tag": "{{.Name}}",
             "mode": "non-blocking", "max-buffer-size": "4m"}, "insecure-registries": ["r.lan:5000"],
             "registry-mirrors": ["https://mirror.lan"], "default-address-pools": [{"base": "10.200.0.0/16", "size": 24}],
             "dns": ["10.0.0.1"], "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 32000}},
             "no-new-privileges": true, "init": true, "seccomp-profile": "unconfined", "default-shm-size": "128M", "labels": ["a=b"],
             "mtu": 1400, "ip": "127.0.0.1", "bip": "10.9.0.1/24", "ipv6": true,
             "builder": {"gc": {"enabled": true, "defaultKeepStorage": "30GB"}},
             "proxies": {"http-proxy": "http://p:3128", "no-proxy": "localhost"}}
            """)
        #expect(read.dockerHosts.map(\.description) == ["unix:///var/run/docker.sock", "fd://", "tcp://0.0.0.0:2376"])
        #expect(read.hasMutualTLS && read.dockerGroup == "docker")
        #expect(read.logLevel == .debug, "debug wins over the level")
        #expect(read.defaults.logging?.driver == "local" && read.defaults.logging?.options["max-size"] == "5m")
        #expect(throws: Never.self) { try LoggingPlan(read.defaults.logging) }
        #expect(read.insecureRegistries == ["r.lan:5000"] && read.registryMirrors == ["https://mirror.lan"])
        #expect(read.addressPools.pools.count == 1 && read.nameServers == ["10.0.0.1"])
        #expect(read.defaults.ulimits == ["nofile": Ulimit(soft: 32000, hard: 64000)])
        #expect(read.defaults.noNewPrivileges && read.defaults.useInit && read.defaults.seccomp == "unconfined")
        #expect(read.defaults.shmSize == 128 << 20 && read.labels == ["a=b"])
        #expect(read.networkDefaults.mtu == 1400 && read.networkDefaults.publishAddress == "127.0.0.1")
        let bridge = read.networkDefaults.common("bridge")
        #expect(bridge.ipam?.config.first?.subnet == "10.9.0.0/24" && bridge.ipam?.config.first?.gateway == "10.9.0.1")
        #expect(bridge.enableIPv6 && read.buildCacheSize == 30 << 30)
        #expect(read.proxies == ["http_proxy": "http://p:3128", "no_proxy": "localhost"])
        #expect(read.notes == [])
    }

    @Test("an empty file has no settings, as for dockerd", arguments: ["", " \n", "{}"])
    func empty(text: String) throws {
        let read = try settings(text)
        #expect(read.notes == [] && read.dockerHosts.isEmpty)
    }

    @Test("the engine's own file stands above it")
    func precedence() throws {
        let read = try settings(
            #"{"log-level": "debug", "dns": ["1.1.1.1"]}"#, own: #"{"docker-config": "/d.json", "log-level": "error"}"#)
        #expect(read.logLevel == .error && read.nameServers == ["1.1.1.1"])
    }

    @Test(
        "what holds here anyway, or means nothing here, is let be",
        arguments: [
            (#"{"storage-driver": "overlay2"}"#, 0), (#"{"live-restore": true}"#, 1), (#"{"live-restore": false}"#, 1),
            (#"{"default-runtime": "runc"}"#, 0), (#"{"exec-opts": ["native.cgroupdriver=systemd"]}"#, 1),
            (#"{"runtimes": {"nvidia": {"path": "x", "runtimeArgs": []}}}"#, 1),
            (#"{"features": {"buildkit": true}}"#, 1),
            (#"{"data-root": "/var/lib/docker"}"#, 0), (#"{"exec-root": "/run/docker"}"#, 1),
            (#"{"max-concurrent-downloads": 3, "max-concurrent-uploads": 5, "shutdown-timeout": 15}"#, 3),
            (#"{"userns-remap": "", "iptables": true, "userland-proxy": false}"#, 1), ("{}", 0),
        ])
    func idle(text: String, notes: Int) throws {
        let read = try settings(text)
        #expect(read.notes.count == notes, "\(read.notes)")
        for note in read.notes { #expect(note.contains("has no effect here: ") && note.hasPrefix("/d.json:1:")) }
    }

    @Test(
        "what cannot hold is refused by its name, and what dockerd does not know is named",
        arguments: [
            (
                #"{"storage-driver": "zfs"}"#,
                ":1:2: 'storage-driver': \"zfs\" is not supported here: the engine stores images and containers"
            ),
            (#"{"userns-remap": "default"}"#, "'userns-remap' is not supported here"),
            (#"{"data-root": "/mnt/docker"}"#, "BERTH_ROOT"),
            (#"{"iptables": false}"#, "'iptables': false is not supported"),
            (#"{"default-runtime": "nvidia"}"#, "'default-runtime'"),
            (#"{"metrics-addr": "0.0.0.0:9323"}"#, "no metrics"),
            (#"{"icc": false}"#, "enable_icc"), ("{\n \"loglevel\": 1}", ":2:2: dockerd has no setting 'loglevel'"),
            (#"{"log-driver": "splunk"}"#, "log-driver: expected one of json-file"),
            (#"{"log-opts": {"max-size": 1}}"#, ":1:27: log-opts.max-size: expected a text, found 1"),
            (#"{"default-ulimits": {"nofile": 5}}"#, "default-ulimits.nofile: expected an object with Name"),
            (#"{"bip": "10.9.0.0/24"}"#, "expected the bridge's own address"),
            (#"{"mtu": "1500"}"#, "expected a number"),
            (#"{"debug": "yes"}"#, "debug: expected true or false"),
            (#"{"hosts": "unix:///x"}"#, "hosts: expected a list"),
            (#"{"tlsverify": true}"#, "tlsverify needs tlscacert"), ("[]", "expected an object"), ("{", ":1:2"),
            (#"{"hosts": ["tcp://0.0.0.0:2375"]}"#, "is root on this machine"),
            (#"{"seccomp-profile": "/nosuch/profile.json"}"#, "/nosuch/profile.json cannot be read"),
        ])
    func refused(text: String, part: String) {
        let failure = #expect(throws: EngineFailure.self) { try settings(text) }
        #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "")")
    }

    @Test("no key means two things")
    func keys() { #expect(DaemonFile.meanings.count >= 70) }

    @Test("a container's own word wins over the defaults")
    func defaults() throws {
        var defaults = ContainerDefaults()
        defaults.logging = Logging(driver: "local", options: ["max-size": "5m", "max-file": "2"])
        #expect(defaults.logging(nil) == defaults.logging)
        #expect(
            defaults.logging(Logging(driver: nil, options: ["max-file": "9"]))
                == Logging(driver: "local", options: ["max-size": "5m", "max-file": "9"]))
        #expect(defaults.logging(Logging(driver: "journald")) == Logging(driver: "journald"))
        #expect(defaults.logging(Logging(driver: "local", options: ["tag": "x"]))?.options.count == 3)
    }
}
