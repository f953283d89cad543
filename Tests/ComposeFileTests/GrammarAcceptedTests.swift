import ComposeFile
import Testing
import YAML

@Suite("Values that work") struct GrammarAcceptedTests {
    @Test(
        "are taken without a word",
        arguments: [
            "dns: [\"\", 9.9.9.9]",
            "dns: \"2001:4860:4860::8888\"",
            "dns: \"fe80::1%eth0\"",
            "dns_search: \"a.example b.example\"",
            "dns_search: .",
            "dns_opt: [ndots:5, use-vc, \"timeout:2\", edns0]",
            "extra_hosts: [\"a=host-gateway\", \"b:::1\", \"c=[::1]\", \"d=1.1.1.1,2.2.2.2\"]",
            "extra_hosts: {\"host.docker.internal\": host-gateway}",
            "container_name: /web",
            "container_name: a_b.c-d",
            "hostname: a_b",
            "hostname: \"\"",
            "hostname: web.example.com",
            "hostname: müller",
            "domainname: example.com",
            "mac_address: \"02:42:ac:11:00:02\"",
            "mac_address: 02-42-ac-11-00-02",
            "mac_address: 0242.ac11.0002",
            "mac_address: \"\"",
            "networks: {default: {ipv4_address: \"\"}}",
            "networks: {default: {ipv4_address: 172.28.0.10, ipv6_address: \"2001:db8::10\", link_local_ips: [169.254.8.8], aliases: [a_b, a.b]}}",
            "expose: [3000, \"3000-3005\", \"53/udp\", \"53/UDP\"]",
            "cap_add: [net_admin, CAP_SYS_PTRACE, cap_kill, All]",
            "cap_drop: [ALL]",
            "sysctls: {net.ipv4.ip_local_port_range: \"1024 65000\", net/ipv4/ip_forward: 1}",
            "sysctls: [net.ipv4.conf.eth0/1.rp_filter=1, kernel.shm_rmid_forced=1, fs.mqueue.msg_max=1]",
            "sysctls: {vm.max_map_count: 262144}",
            "ulimits: {NOFILE: 5, as: -1, rttime: 1}",
            "device_cgroup_rules: [\"c 1:3 mr\", \"a 7:* rmw\", \"b *:* m\"]",
            "ipc: shareable",
            "ipc: \"\"",
            "ipc: container:other",
            "pid: host",
            "uts: host",
            "uts: container:other",
            "uts: \"\"",
            "networks: {default: {interface_name: eth1.5}}",
            "volumes: [{type: volume, target: /b, volume: {subpath: a/../b}}]",
            "volumes: [{type: bind, source: /a, target: /b, bind: {propagation: rslave}}]",
            "cpus: 0",
            "cpus: \".5\"",
            "cpu_shares: 0",
            "cpu_quota: -1",
            "pids_limit: -1",
            "cpuset: \"0-2,4\"",
            "cpuset: \"\"",
            "stop_grace_period: 0s",
            "stop_grace_period: 1m30s",
            "healthcheck: {interval: 0s, timeout: 1ms, start_period: 1h}",
            "healthcheck: {test: [NONE]}",
            "healthcheck: {test: [CMD, /usr/bin/check]}",
            "healthcheck: {test: [CMD-SHELL, \"curl -f x || exit 1\"]}",
            "healthcheck: {test: \"[ -f /x ]\"}",
            "healthcheck: {disable: true}",
            "deploy: {restart_policy: {condition: unless-stopped}}",
            "deploy: {mode: global, endpoint_mode: dnsrr}",
            "mem_limit: 0",
            "mem_limit: \"-1\"",
            "mem_limit: 512MiB",
            "mem_reservation: 512 MB",
            "memswap_limit: -1",
            "mem_swappiness: -1",
            "mem_swappiness: 100",
            "shm_size: 0",
            "volumes: [{type: tmpfs, target: /x, tmpfs: {size: 0, mode: 1777}}]",
            "volumes: [\"/a\", \"./b:/b:ro,z\", \"~/c:/c\"]",
            "blkio_config: {weight: 300}",
            "blkio_config: {weight: 0}",
            "tmpfs: /run",
            "tmpfs: [\"/run:size=64m,mode=1777,uid=0,gid=0\", \"/a:rw,noexec,nosuid,size=50%\", \"/b:size=0x1000k,nr_inodes=1k,exec\"]",
            "tmpfs: \"\"",
            "stop_signal: SIGTERM",
            "stop_signal: term",
            "stop_signal: \"15\"",
            "stop_signal: SIGRTMIN+3",
            "stop_signal: RTMAX-14",
            "user: \"\"",
            "user: \":\"",
            "user: root",
            "user: \"1000:1000\"",
            "user: app:staff",
            "group_add: [audio, 44, \"1000\"]",
            "working_dir: /app/../x",
            "working_dir: \"\"",
            "devices: [\"/dev/a\", \"/dev/c:/dev/b:rw\", \"vendor.com/class=name\"]",
            "ulimits: {nofile: -1, nproc: {soft: -1, hard: -1}, core: 0}",
            "ports: [{target: 80, published: \"\"}, {target: 81, published: \"0\"}, {target: 82, published: \"8000-8010\", protocol: UDP, host_ip: \"::1\"}]",
            "ports: [\"[::1]:8080:80\", \"0.0.0.0::81\", \"8080-8089:82\", \"53:53/UDP\", \":83\"]",
            "environment: [\"A B=x\", \"C\", \"D=\"]",
            "platform: linux/amd64",
            "platform: linux",
            "platform: arm64",
            "platform: linux/arm/v7",
            "platform: wasi/wasm",
        ])
    func accepted(_ line: String) throws {
        let result = try loaded("services:\n  a:\n    image: i\n    \(line)\n")
        #expect(result.diagnostics.isEmpty)
        #expect(result.built().unsupported.isEmpty)
    }

    @Test(
        "images by every kind of reference",
        arguments: [
            "nginx", "nginx:1.27", "library/nginx", "ghcr.io/owner/app:1.0-rc_1", "localhost/app",
            "localhost:5000/a/b:c",
            "Registry.example:5000/app", "a__b/c-d---e.f", "[::1]:5000/app",
            "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "nginx:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ])
    func images(_ image: String) throws {
        #expect(try loaded("services: {a: {image: \"\(image)\"}}").diagnostics.isEmpty)
    }

    @Test(
        "a name of an image that no registry could have is refused",
        arguments: [
            ("Nginx:Latest", "names are in lower case", "write nginx:latest"),
            ("nginx latest", "it cannot contain a space", "write a ':' before the tag: nginx:latest"),
            ("docker pull nginx", "it cannot contain a space", "write one name: nginx"),
            ("https://hub.docker.com/_/nginx", nil, "write it without 'https://': nginx"),
            ("nginx:", "the tag is missing", "write nginx:latest"),
            ("nginx:1.27:x", "'x' is a second tag", "write nginx:1.27"),
            ("nginx:a/b c", "it cannot contain a space", "write one name: nginx:a/b"),
            ("nginx:1#2", "'1#2' is not a tag", "a tag has letters, digits, '_', '.' and '-': nginx:latest"),
            (
                "nginx@sha256:12", "'sha256:12' is not a digest",
                "write @sha256: and its 64 digits, or a tag: nginx:latest"
            ),
            ("./web", nil, "for a folder with a Dockerfile write `build: ./web`"),
            ("/web", nil, "for a folder with a Dockerfile write `build: /web`"),
            ("“nginx”", "a quote is part of the text", "write \"nginx\""),
            ("a//b", nil, "the form is [REGISTRY/]NAME[:TAG], as in nginx:1.27 or ghcr.io/owner/app:1.0"),
            ("-a", nil, "the form is [REGISTRY/]NAME[:TAG], as in nginx:1.27 or ghcr.io/owner/app:1.0"),
        ] as [(String, String?, String)])
    func noImages(_ image: String, _ reason: String?, _ hint: String) {
        do throws(LoadFailure) {
            _ = try loaded("services: {a: {image: '\(image)'}}")
            Issue.record("'\(image)' is taken")
        } catch {
            let suffix = reason.map { ": \($0)" } ?? ""
            #expect(error.diagnostics.map(\.message) == ["'\(image)' is not an image reference\(suffix)"])
            #expect(error.diagnostics.map(\.hint) == [hint])
        }
    }

    @Test(
        "further names of a built image",
        arguments: [
            ("BAD:1", "'BAD:1' is not an image reference: names are in lower case", "write bad:1"),
            (
                "a:1@sha256:\(String(repeating: "0", count: 64))",
                "'a:1@sha256:\(String(repeating: "0", count: 64))' is not a valid image name: its digest comes from its content",
                "write a:1"
            ),
        ])
    func noNames(_ name: String, _ message: String, _ hint: String) {
        do throws(LoadFailure) {
            _ = try loaded("services: {a: {build: {context: ., tags: ['ok:1', '\(name)']}}}")
            Issue.record("'\(name)' is taken")
        } catch {
            #expect(error.diagnostics.map(\.message) == [message])
            #expect(error.diagnostics.map(\.hint) == [hint])
        }
    }

    @Test(
        "networks and volumes",
        arguments: [
            (
                "networks: {n: {ipam: {config: [{subnet: «172.28.0.0»}]}}}", "the subnet '172.28.0.0' has no length",
                "write the number of bits after a '/': 172.28.0.0/16"
            ),
            (
                "networks: {n: {ipam: {config: [{subnet: 172.28.0.0/«33»}]}}}", "'172.28.0.0/33' is not a subnet",
                "write the number of bits after a '/': 172.28.0.0/16"
            ),
            (
                "networks: {n: {ipam: {config: [{subnet: «front»}]}}}", "'front' is not a subnet",
                "write an address and the length of its prefix: 172.28.0.0/16"
            ),
            (
                "networks: {n: {ipam: {config: [{gateway: «172.28.0.1/16»}]}}}",
                "'172.28.0.1/16' is not a valid IP address",
                "write the address alone: 172.28.0.1"
            ),
            (
                "networks: {n: {ipam: {config: [{ip_range: «\"172.28\"»}]}}}", "'172.28' is not a subnet",
                "write an address and the length of its prefix: 172.28.0.0/16"
            ),
            (
                "networks: {n: {ipam: {config: [{aux_addresses: {h: «host»}}]}}}", "'host' is not a valid IP address",
                "write it as in 172.28.0.1"
            ),
            (
                "volumes: {v: {name: «my data»}}", "'my data' is not a volume name: it cannot contain a space",
                "use letters, digits, '_', '.' and '-', a letter or digit first: my-data"
            ),
        ])
    func elements(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services: {a: {image: i}}\n\(marked)\n"), .error, message, hint: hint)
    }

    @Test(
        "what a variable without a value spoils is refused only when the project is brought up",
        arguments: [
            "image: \"repo:${TAG}\"", "dns: \"1.1.1.${N}\"", "extra_hosts: [\"a=1.1.1.${N}\"]", "hostname: \"a ${N}\"",
            "volumes: [\"./a:${N}b\"]", "tmpfs: \"/x:size=${N}\"", "user: \"${N} \"",
        ])
    func emptied(_ line: String) throws {
        let isImage = line.hasPrefix("image")
        let result = try loaded("services:\n  a:\n    \(isImage ? "" : "image: i\n    ")\(line)\n")
        #expect(result.diagnostics.count == 1)
        let found = try #require(result.built().unsupported.first)
        #expect(found.severity == .error && found.hint != nil && found.place != nil)
        #expect(found.notes.first?.message.hasSuffix("is not set") == true)
    }

    @Test("what works elsewhere is refused only when the project is brought up")
    func elsewhere() throws {
        let result = try loaded("services: {a: {image: i, volumes: ['./a:C:\\data']}}")
        #expect(result.diagnostics.isEmpty)
        #expect(result.built().unsupported.map(\.severity) == [.error])
    }
}
