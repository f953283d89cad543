import ComposeFile
import Testing
import YAML

@Suite("One run tells of everything") struct AllAtOnceTests {
    @Test("an unknown key, a bad port, an undefined network, a missing variable, a missing file: all at once")
    func everyStage() {
        let found = findings(
            """
            services:
              a: {image: i, prots: 80}
              b: {image: i, ports: ["x:80"]}
              c: {image: i, networks: [nowhere]}
              d: {image: "${TAG:?which}"}
              e: {image: i, env_file: e.env}
              f: {image: i, depends_on: [g], network_mode: host}
            volumes: {v: {external: true, driver: d}}
            """)
        #expect(
            found == [
                "2:17: error: 'prots' is not an attribute of a service",
                "3:25: error: the host port 'x' is not a number from 0 to 65535 or a range",
                "4:28: error: there is no network 'nowhere'",
                "5:15: error: the variable TAG is required: which",
                "6:27: error: cannot read the environment file /p/e.env: No such file or directory",
                "7:30: error: there is no service 'g'",
                "8:31: error: an external volume has no 'driver': it exists already",
            ])
    }

    @Test(
        "a syntax error comes first, what stands before it is checked, and nothing is said of what may stand after it")
    func syntax() {
        let found = findings(
            """
            services:
              a:
                imge: i
                networks: [front]
                depends_on: [b]
               command: x
            networks: {front: {}}
            """)
        #expect(
            found == [
                "6:4: error: indented by 3, like none of the lines above that it could belong to",
                "3:5: error: 'imge' is not an attribute of a service",
            ])
    }

    @Test(
        "what only follows from a mistake is not told",
        arguments: [
            ("services: {a: {imge: i}}", "'imge' is not an attribute of a service"),
            ("services: {a: {image: [i]}}", "expected a string, found a list"),
            ("services: {a: 5}", "expected a mapping, found an integer: 5"),
            (
                "services: {a: {image: i, networks: [n]}}\nnetwroks: {n: {}}",
                "'netwroks' is not an attribute of a Compose file"
            ),
            ("services: {a: {image: i, networks: [n]}}\nnetworks: [n]", "expected a mapping, found a list"),
            (
                "services: {a: {image: i, depends_on: {b: {condition: ok}}}, b: {image: i}}",
                "expected 'service_started', 'service_healthy' or 'service_completed_successfully', found 'ok'"
            ),
            ("services: {a: {image: i}}\nsecrets: {s: {fil: x}}", "'fil' is not an attribute of a secret"),
            ("services: {a: {image: i, ports: [\"${P?}:80\"]}}", "the variable P is required"),
            ("services: {a: {image: i, volumes: [\"${V?}:/x\"]}}", "the variable V is required"),
            ("services: {a: {image: i, scale: \"${N?}\", deploy: {replicas: 2}}}", "the variable N is required"),
            (
                "services: {a: {extends: {file: x.yaml, service: b}}}",
                "cannot read /p/x.yaml: No such file or directory"
            ),
            ("services: {a: {image: i, command: sh -c 'x : y' }}", "expected ',' or '}'"),
            ("services: {a: {extends: {file: b.yaml, service: n}}}", "the service 'a' has neither 'image' nor 'build'"),
            ("services: {a: {extends: {file: b.yaml, service: c}}}", "there is no service 'c' in /p/b.yaml to extend"),
            (
                "include: [x.yaml]\nservices: {a: {image: i, depends_on: [b], networks: [n]}}",
                "cannot read /p/x.yaml: No such file or directory"
            ),
        ])
    func consequences(_ yaml: String, _ expected: String) {
        let errors = findings(yaml, ["b.yaml": "services: {b: {image: i}, n: {image: \"$N\"}}"]).filter {
            $0.contains(": error: ")
        }
        #expect(errors.map { String($0.split(separator: ": error: ")[1]) } == [expected])
    }

    @Test("a mistake in a file that is met twice is told once, with a chain of files")
    func once() throws {
        let base = "services: {b: {image: i, restart: sometimes}}"
        let yaml = """
            include: [one.yaml, two.yaml]
            services: {a: {extends: {file: base.yaml, service: b}}}
            """
        let one = "services: {c: {extends: {file: base.yaml, service: b}}}"
        do throws(LoadFailure) {
            _ = try loaded(yaml, ["base.yaml": base, "one.yaml": one, "two.yaml": "services: {d: {image: i}}"])
            Issue.record("the mistake was not found")
        } catch {
            #expect(error.diagnostics.map(\.message) == ["'sometimes' is not a restart policy"])
            #expect(
                error.diagnostics.first?.notes.map { "\($0.place?.file ?? "") \($0.message)" } == [
                    "/p/one.yaml extended from here", "/p/compose.yaml included from here",
                ])
        }
    }

    @Test("an error that comes from a variable without a value says so")
    func emptied() throws {
        do throws(LoadFailure) {
            _ = try loaded("services: {a: {image: i, scale: \"${N}\"}}")
            Issue.record("the mistake was not found")
        } catch {
            let found = try #require(error.diagnostics.first { $0.severity == .error })
            #expect(found.message == "expected an integer, found ''")
            #expect(found.notes.map(\.message) == ["the variable N is not set"])
        }
    }
}
