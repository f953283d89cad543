import ComposeFile
import JSON
import Testing
import YAML

@Suite("What is wrong is said at its place") struct DiagnosticTableTests {
    @Test(
        "in a service",
        arguments: [
            ("«imge»: x", "'imge' is not an attribute of a service", "did you mean 'image'?"),
            ("«subnet»: x", "'subnet' is not an attribute of a service", nil),
            ("«dockerfile»: x", "'dockerfile' is not an attribute of a service", "it belongs under 'build:'"),
            (
                "«services»: x", "'services' is not an attribute of a service",
                "it belongs at the beginning of a line, beside 'services:'"
            ),
            ("hostname: «1»", "expected a string, found an integer: 1", "quote it: \"1\""),
            ("hostname: «true»", "expected a string, found a boolean: true", "quote it: \"true\""),
            ("hostname: «2020-01-01»", "expected a string, found a date: 2020-01-01", "quote it: \"2020-01-01\""),
            ("hostname: «[a]»", "expected a string, found a list", nil),
            ("command: «12»", "expected a string, a list or nothing, found an integer: 12", "quote it: \"12\""),
            ("command: [«1»]", "expected a string, found an integer: 1", "quote it: \"1\""),
            ("command: «'a \"b'»", "the command cannot be split into words: a quote or parenthesis is not closed", nil),
            ("ports: «80»", "expected a list, found an integer: 80", "write it as an item of a list: - 80"),
            ("ports: [«\"x:80\"»]", "the host port 'x' is not a number from 0 to 65535 or a range", nil),
            ("ports: [\"1:1\", «\"80/zz\"»]", "the protocol 'zz' is not tcp, udp or sctp", nil),
            ("ports: [{target: 80, host_ip: «foo»}]", "'foo' is not an IP address", nil),
            ("ports: [{target: 80, «foo»: 1}]", "'foo' is not an attribute of a port", nil),
            ("environment: [«\"A =1\"»]", "the name 'A ' ends with a space", nil),
            ("environment: {A: «[1]»}", "expected a string, a boolean, a number or nothing, found a list", nil),
            (
                "labels: {d: «2020-01-01»}",
                "expected a string, a boolean, a number or nothing, found a date: 2020-01-01",
                "quote it: \"2020-01-01\""
            ),
            ("restart: «foo»", "'foo' is not a restart policy", "use no, always, unless-stopped or on-failure[:N]"),
            ("restart: «allways»", "'allways' is not a restart policy", "did you mean 'always'?"),
            ("restart: «true»", "expected a string, found a boolean: true", "write always"),
            ("pull_policy: «sometimes»", "'sometimes' is not a pull policy", nil),
            ("mem_limit: «5zz»", "'5zz' is not a size", "write a number with b, k, m, g, t or p: 512m"),
            ("mem_limit: «1.5»", "expected a whole number of bytes, found 1.5", "write a size with a unit: 512m, 1.5g"),
            ("stop_grace_period: «\"10\"»", "'10' is not a duration", "add a unit: 10s"),
            ("stop_grace_period: «10»", "expected a string, found an integer: 10", "write it with a unit: 10s"),
            (
                "environment: [«A: b»]", "expected a string, found a mapping",
                "write `- A=b`, or `A: b` without the '- '"
            ),
            (
                "networks:\n      - «default:»", "expected a string, found a mapping",
                "write `- default`, without the colon"
            ),
            (
                "depends_on: [«b: {condition: service_healthy}»]", "expected a string, found a mapping",
                "write `b:` without the '- '"
            ),
            (
                "volumes:\n      - «./a:/b»:", "expected a volume mount, found a mapping with the key './a:/b'",
                "write `- ./a:/b`, without the colon at its end"
            ),
            ("ports: [{«a»: b}]", "'a' is not an attribute of a port", nil),
            (
                "ports:\n      - «80»: 80", "expected a port, found a mapping with the key '80'",
                "write `- \"80:80\"`, without the space after the colon"
            ),
            (
                "volumes:\n      - «./a»: /b", "expected a volume mount, found a mapping with the key './a'",
                "write `- \"./a:/b\"`, without the space after the colon"
            ),
            (
                "volumes:\n      «-./a:/b»", "expected a list, found a string: -./a:/b",
                "write each item as `- …`, with a space after the '-'"
            ),
            (
                "volumes:\n      - type: bind\n        «source:./a»\n        target: /b",
                "no space follows the ':' of a key", "write `source: ./a`"
            ),
            (
                "volumes:\n      «-type: bind»\n        target: /b", "no space follows '-'", "write `- type: bind`"
            ),
            (
                "ports:\n      - «80:80\"»",
                "the container port '80\"' is not a number from 0 to 65535 or a range",
                "a quote is part of the text: write \"80:80\", in plain quotes on both sides"
            ),
            (
                "restart: «[always]»", "expected a string, found a list", "write `always` alone, not as a list"
            ),
            (
                "environment:\n      A: b\n      «-» C: d",
                "expected a key here: the indentation or the line before does not fit",
                "write it without the '- ', like line 5"
            ),
            (
                "ports:\n     - \"80\"\n      «-» \"81\"",
                "expected '-': an item of the list above is indented differently", "indent it by 5 like line 5"
            ),
            (
                "ports:\n      - target: 80\n      «-»target: 81",
                "expected '-': an item of the list above is indented differently",
                "write `- target: 81`, with a space after the '-'"
            ),
            (
                "healthcheck:\n      «- test: x»", "expected a mapping, found a list",
                "write its members without '- '"
            ),
            (
                "command: «${U»", "'${U' is not a valid substitution", "close it with '}'; a literal $ is written $$"
            ),
            (
                "environment:\n      - «A: b»\n      C: d", "expected a string, found a mapping",
                "write `- A=b`, or `A: b` without the '- '"
            ),
            (
                "healthcheck:\n    «test»: [CMD, x]\n      interval: 5s", "'test' is not an attribute of a service",
                "it belongs to 'healthcheck' above: indent it further"
            ),
            (
                "ports: []\n     «r»estart: always",
                "expected a key here: the indentation or the line before does not fit",
                "indent it by 4 like line 3, or look at the line above it"
            ),
            (
                "command: «[»a, b\n    restart: always", "the brackets that open here are not closed",
                "add ']' where they end"
            ),
            (
                "extends:\n    «service»: b", "'service' is not an attribute of a service",
                "it belongs to 'extends' above: indent it further"
            ),
            (
                "extends:\n      file: b.yaml\n    «service»: b", "'service' is not an attribute of a service",
                "it belongs to 'extends' above: indent it further"
            ),
            (
                "healthcheck:\n    «test»: [CMD, x]\n    interval: 5s", "'test' is not an attribute of a service",
                "it belongs to 'healthcheck' above: indent it further"
            ),
            (
                "environment:\n    «A»: b\n    C: d\n    ports: []", "'A' is not an attribute of a service",
                "it belongs to 'environment' above: indent it further"
            ),
            ("command: [sh, «echo: x»]", "expected a string, found a mapping", "quote it: - \"echo: x\""),
            (
                "«b»:", "'b' is not an attribute of a service",
                "if 'b' is a service, indent it like the other services"
            ),
            (
                "healthcheck: {interval: «1x»}", "'1x' is not a duration", "write numbers with h, m, s, ms, us: 1m30s"
            ),
            ("healthcheck: {interval: «10 sec»}", "'10 sec' is not a duration", "write 10s"),
            ("stop_grace_period: «2 days»", "'2 days' is not a duration", "write 2d"),
            (
                "healthcheck: {test: [«curl»]}",
                "a health check's test starts with \"CMD\", \"CMD-SHELL\" or \"NONE\", found 'curl'", nil
            ),
            ("privileged: «maybe»", "expected true or false, found 'maybe'", nil),
            ("scale: «-1»", "expected a number from 0 to 2147483647, found -1", nil),
            ("scale: «two»", "expected an integer, found 'two'", nil),
            ("cgroup: «hots»", "expected 'host' or 'private', found 'hots'", "did you mean 'host'?"),
            ("cap_add: «null»", "expected a list, found nothing", "give it a value or remove the key"),
            ("volumes: [«{type: bind, target: /c}»]", "a bind mount needs 'source', the path on the host", nil),
            ("volumes: [«nope»:/data]", "there is no volume 'nope'", "declare it under the top-level 'volumes'"),
            ("volumes: [\"«a/b»:/data\"]", "there is no volume 'a/b'", "for a folder of the host start it with './'"),
            ("volumes: [«\"/a::ro\"»]", "'/a::ro' has an empty part between colons", nil),
            (
                "volumes: [{type: «foo», target: /x}]",
                "expected 'bind', 'volume', 'tmpfs', 'cluster', 'npipe' or 'image', found 'foo'", nil
            ),
            ("networks: [«nope»]", "there is no network 'nope'", "declare it under the top-level 'networks'"),
            ("secrets: [«s»]", "there is no secret 's'", nil), ("configs: [«c»]", "there is no config 'c'", nil),
            ("depends_on: [«bb»]", "there is no service 'bb'", nil),
            ("depends_on: [«a»]", "services depend on each other: a -> a", nil),
            (
                "links: [«a:b:c»]",
                "there is no service 'a:b:c'", nil
            ),
            ("extra_hosts: [«a»]", "the address of 'a' is missing", nil),
            ("ulimits: {nofile: «{soft: 1}»}", "a limit needs 'hard'", nil),
            ("devices: [«\"a:b:c:d\"»]", "'a:b:c:d' is not a device", nil),
            ("security_opt: [a, «a»]", "'a' is given twice", "remove one of the two"),
            ("network_mode: «host»\n    networks: [default]", "'network_mode' and 'networks' exclude each other", nil),
            (
                "container_name: «cc»\n    scale: 2",
                "a service with 'container_name' cannot have 2 replicas: names are unique", nil
            ),
            (
                "cpus: «1»\n    deploy: {resources: {limits: {cpus: 2}}}",
                "'cpus' and 'deploy.resources.limits.cpus' differ: 1 and 2", nil
            ),
            ("tmpfs: /x\n    volumes: [«\"/a:/x\"»]", "something is already mounted on '/x'", nil),
            (
                "command: \"«${U»\"", "'${U' is not a valid substitution",
                "close it with '}'; a literal $ is written $$"
            ),
            ("command: «${U:?give it}»", "the variable U is required: give it", "set it in the environment or in .env"),
            ("env_file: «nope.env»", "cannot read the environment file /p/nope.env: No such file or directory", nil),
            ("extends: «zz»", "there is no service 'zz' to extend", nil),
            ("extends: «a»", "a service cannot extend itself: a -> a", nil),
            (
                "build: {context: ., dockerfile_inline: «x», dockerfile: D}",
                "'dockerfile' and 'dockerfile_inline' exclude each other", nil
            ),
        ] as [(String, String, String?)])
    func service(_ marked: String, _ message: String, _ hint: String?) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }

    @Test(
        "in a file",
        arguments: [
            ("services:\n  «a»: {}\n", "the service 'a' has neither 'image' nor 'build'"),
            ("services:\n  a: «null»\n", "expected a mapping, found nothing"),
            (
                "services:\n  «\"a b\"»: {image: i}\n",
                "'a b' is not allowed as a name: expected a name of letters, digits, '.', '_' and '-'"
            ),
            ("services: «[a]»\n", "expected a mapping, found a list"),
            (
                "services:\n  a: {image: i}\n  «restart»: always\n",
                "'restart' stands where the name of a service is expected"
            ),
            (
                "services:\n  a: {image: i}\n  «environment»:\n      B: 1\n      C: 2\n",
                "'environment' stands where the name of a service is expected"
            ),
            (
                "services: {a: {image: i, volumes: [\"v:/v\"]}}\nvolumes:\n w:\n  «v»:\n",
                "'v' is not an attribute of a volume"
            ),
            (
                "services:\n  a: {image: i}\n  «restart»: always\n    ports: []\n",
                "'restart' stands where the name of a service is expected"
            ),
            (
                "services: {a: {image: i, depends_on: [b], «b»: null}}\n",
                "'b' is not an attribute of a service"
            ),
            (
                "services:\n  a:\n    image: «{{» x }}\n",
                "'{{' begins a template, which YAML reads as a mapping in a mapping"
            ),
            ("services:\n  a:\n    «image x»\n    ports: []\n", "no ':' follows the key"),
            (
                "services:\n  a:\n  «ports»: []\n    restart: always\n",
                "'ports' stands where the name of a service is expected"
            ),
            (
                "  «a»:\n    image: i\n  b:\n    image: i\nvolumes:\n  v:\n",
                "'a' is not an attribute of a Compose file"
            ),
            (
                "  services:\n    a: {image: i}\n«v»olumes:\n  v:\n",
                "indented by 0, less than line 1, where the file begins"
            ),
            (
                "services:\n  a:\n    image: i\n  «ports»:\n      - \"80\"\n    restart: always\n",
                "'ports' stands where the name of a service is expected"
            ),
            (
                "services:\n  a:\n    «image i»\n    # why\n    ports: []\n",
                "expected a mapping, found a string: image i"
            ),
            (
                "networks:\n  n:\n  «a»:\n    image: i\n    ports: []\n  b:\n    image: i\n",
                "'a' looks like a service, but is not under 'services'"
            ),
            (
                "services: {a: {image: i, depends_on: {b: {condition: «healthy»}}}, b: {image: i}}\n",
                "expected 'service_started', 'service_healthy' or 'service_completed_successfully', found 'healthy'"
            ),
            ("services:\n  a: image«:» x\n", "a second ': ' in one value"),
            ("services:\n«a»:\n  image: i\nb:\n  image: i\n", "'a' is not an attribute of a Compose file"),
            ("services:\n  «- a:»\n      image: i\n  b:\n    image: i\n", "expected a mapping, found a list"),
            ("«servces»: {}\n", "'servces' is not an attribute of a Compose file"),
            ("«[a]»\n", "a Compose file is a mapping with 'services', found a list"),
            ("services: {a: {image: i}}\nname: «1»\n", "expected a string, found an integer: 1"),
            (
                "services: {a: {image: i}}\nsecrets: {«s»: {}}\n",
                "'s' has no source: one of 'file', 'environment' is needed"
            ),
            (
                "services: {a: {image: i}}\nvolumes: {v: {external: true, «driver»: x}}\n",
                "an external volume has no 'driver': it exists already"
            ),
            (
                "services:\n  a: {image: i, container_name: cc}\n  b: {image: i, container_name: «cc»}\n",
                "the container name 'cc' is taken by another service"
            ),
            (
                "services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [c]}\n  c: {image: i, depends_on: [«a»]}\n",
                "services depend on each other: a -> b -> c -> a"
            ),
            (
                "services:\n  a: {image: i, depends_on: [«b»]}\n  b: {image: i, profiles: [p]}\n",
                "the service 'b' is disabled: it belongs to a profile that is not enabled"
            ),
            ("include: [«nope.yaml»]\n", "cannot read /p/nope.yaml: No such file or directory"),
            ("services:\n  a:\n    image: i\n    «image»: j\n", "the key 'image' is given twice in one mapping"),
        ])
    func file(_ marked: String, _ message: String) {
        checkMarked(Marked(marked), .error, message)
    }

    @Test(
        "a service of one line without its colon",
        arguments: [
            ("image postgres:15", "write `image: postgres:15`, with a colon and a space, on a line of its own"),
            ("image:i", "write `image: i`, with a colon and a space, on a line of its own"),
            ("build", "write `build: …` on a line of its own"), ("something else", nil),
        ] as [(String, String?)])
    func missingColon(_ text: String, _ hint: String?) {
        checkMarked(
            Marked("services:\n  a:\n    «\(text)»\n"), .error, "expected a mapping, found a string: \(text)",
            hint: hint)
    }

    @Test(
        "warnings do not stop a load",
        arguments: [
            (
                "«version»: \"3\"\nservices: {a: {image: i}}\n",
                "'version' is deprecated: it is obsolete and ignored; remove it"
            ),
            ("services: {a: {image: i, tty: «yes»}}\n", "'yes' is text in YAML 1.2"),
            ("services: {a: {image: i, command: «a;b»}}\n", "the command ends before ';b': no shell runs it"),
            (
                "services: {a: {image: i, volumes: [\"/a:/b:«typo»\"]}}\n",
                "the volume option 'typo' is unknown and has no effect"
            ),
            (
                "services: {a: {image: i, labels: {x: \"a «$U»\"}}}\n",
                "the variable U is not set: an empty string is used"
            ),
        ])
    func warnings(_ marked: String, _ message: String) { checkMarked(Marked(marked), .warning, message) }

    @Test("the attribute's path is given, an odd key in brackets")
    func paths() {
        func path(_ yaml: String) -> String? {
            do throws(LoadFailure) {
                return try loaded(yaml).diagnostics.first?.path
            } catch {
                return error.diagnostics.first?.path
            }
        }
        #expect(path("services: {web: {image: i, ports: [\"1:1\", \"x:1\"]}}") == "services.web.ports[1]")
        #expect(path("services: {web: {image: i, labels: {a.b: [1]}}}") == "services.web.labels[\"a.b\"]")
        #expect(path("services: {web: {image: i, healthcheck: {interval: 1x}}}") == "services.web.healthcheck.interval")
    }

    @Test("a mistake in an included or extended file shows the chain of files")
    func chains() throws {
        let files = ["one.yaml": "include: [two.yaml]\n", "two.yaml": "services: {b: {imge: x}}\n"]
        do throws(LoadFailure) {
            _ = try loaded("include: [one.yaml]\n", files)
            Issue.record("the load succeeds")
        } catch {
            let found = try #require(error.diagnostics.first)
            #expect(found.place?.file == "/p/two.yaml")
            #expect(
                found.notes.map { "\($0.place?.file ?? "") \($0.message)" } == [
                    "/p/one.yaml included from here", "/p/compose.yaml included from here",
                ])
        }
    }

    @Test("the JSON form holds place, path, hint and notes")
    func json() throws {
        do throws(LoadFailure) {
            _ = try loaded("services:\n  a:\n    imge: x\n    image: i\n")
            Issue.record("the load succeeds")
        } catch {
            let json = try #require(error.diagnostics.first).json
            #expect(json["severity"]?.string == "error" && json["path"]?.string == "services.a.imge")
            #expect(json["file"]?.string == "/p/compose.yaml" && json["line"]?.integer == 3)
            #expect(json["column"]?.integer == 5 && json["length"]?.integer == 4)
            #expect(json["hint"]?.string == "did you mean 'image'?")
        }
    }
}
