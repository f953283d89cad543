import ComposeFile
import Console
import Dockerfile
import EngineClient
import Images
import JSON
import NameService
import OCI
import YAML

extension Subject {
    static let all: [Subject] = [
        yaml, compose, dockerfile, ignoreFile, json, base64, reference, digest, template, query, answer, http, tar,
        dockerCreate, dockerQuery, dockerStream, httpRequest, webSocket,
    ]

    private static let composeText = """
        name: shop
        x-base: &base {image: "nginx:1.27", environment: {A: "${A:-x}", B: '${B:?no B}'}}
        services:
          web:
            <<: *base
            ports: ["8080-8089:80/udp", {target: 443, published: "8443"}]
            volumes: [data:/data, "./conf:/etc/conf:ro", {type: tmpfs, target: /c, tmpfs: {size: 64m}}]
            deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 128M}}}
            depends_on: {db: {condition: service_healthy}}
            command: sh -c "echo $$HOME | cat"
            text: |
              one
                two
          db: {build: {context: ., args: [X=1]}, ulimits: {nofile: 65535}, extends: web, sysctls: [net.core.somaxconn=1]}
        volumes: {data: !reset null}
        networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}]}}}

        """

    private static let yamlWords = [
        "&a ", "*a", "<<: ", "!!binary ", "!reset ", "- ", ": ", "? ", "|\n", ">-\n", "\"", "'", "[", "]", "{", "}",
        "\n", "  ", "#", "---\n", "...\n", "%YAML 1.2\n", "\\u12", ".nan", "0x1F", "1e9", "~", "\t", "\u{85}",
        "${A:-${B}}",
    ]

    static let yaml = Subject(
        "yaml", texts: [composeText, "a: 1\n", "- x\n- [1, 2]\n", "? [a]\n: b\n"], words: yamlWords
    ) {
        bytes, _ in
        var limits = Limits()
        limits.aliasNodes = 5000
        let file = parse(bytes, file: 0, limits: limits)
        guard file.problems.isEmpty, file.documents.count == 1, let node = file.documents.first, !holdsTags(node),
            node.mapping != nil || node.sequence != nil
        else {
            // A text alone is never written as a document.
            return nil
        }
        let text = YAMLWriter.text(node)
        let again = parse(Array(text.utf8), file: 0)
        guard again.problems.isEmpty, let second = again.documents.first else {
            return "what was written is not read: \(text.debugDescription): \(again.problems)"
        }
        return second == node ? nil : "written and read again it is another: \(text.debugDescription)"
    }

    /// What a tag means is not written.
    private static func holdsTags(_ node: Node) -> Bool {
        if node.tag != .none { return true }
        if let items = node.sequence { return items.contains(where: holdsTags) }
        return node.mapping?.entries.contains { holdsTags($0.value) } ?? false
    }

    static let compose = Subject(
        "compose", texts: [composeText],
        words: yamlWords + [
            "services:\n", "  a: {image: b}\n", "image: ", "ports: ", "8080:80", "extends: ", "include: [c.yaml]\n",
            "networks: ",
            "healthcheck: {test: NONE}", "1.5h", "64m", "$", "${", "}", ":?", "/etc", "..",
        ]
    ) { bytes, _ in
        let files = MemoryFiles(["/p/compose.yaml": bytes, "/p/c.yaml": Array("services: {c: {image: d}}".utf8)])
        let request = LoadRequest(files: ["/p/compose.yaml"], workingDirectory: "/p", environment: ["B": "b"])
        do throws(LoadFailure) {
            let result = try load(request, from: files)
            let (_, unsupported) = result.built()
            return misplaced(result.diagnostics + unsupported, bytes, file: "/p/compose.yaml")
        } catch {
            _ = error.rendered(colour: true)
            guard error.diagnostics.contains(where: { $0.severity == .error }) else {
                return "refused without an error"
            }
            return misplaced(error.diagnostics, bytes, file: "/p/compose.yaml")
        }
    }

    static let dockerfile = Subject(
        "dockerfile",
        texts: [
            """
            # syntax=docker/dockerfile:1
            # escape=\\
            ARG V=12
            FROM --platform=$BUILDPLATFORM debian:${V:-11} AS base
            RUN --mount=type=cache,target=/c,sharing=locked apt-get update && \\
                # a comment
                apt-get install -y curl
            RUN <<EOF cat >/x
            one $V
            EOF
            ENV A=b C="d e" F='g'
            COPY --from=base --chown=1:2 --chmod=644 ["a b", "c"]
            HEALTHCHECK --interval=5s --retries=3 CMD ["curl", "-f"]
            FROM scratch
            ADD --checksum=sha256:00 https://example.com/x /x
            ONBUILD RUN true
            EXPOSE 80/tcp 443
            CMD ["a"]

            """
        ],
        words: [
            "FROM ", "RUN ", "COPY ", "<<EOF\n", "EOF\n", "\\\n", "`\n", "# escape=`\n", "${", "}", "${A:+b}",
            "${A##*/}", "${A/x/y}",
            "--from=", "[\"", "\"]", "\n", "ARG ", "ONBUILD ", "--mount=type=secret,id=x,env=Y", "'", "\"", "AS ",
            "0:0",
        ]
    ) { bytes, _ in
        var findings = Findings(file: "Dockerfile")
        _ = BuildFile(file: "Dockerfile", bytes: bytes, findings: &findings)
        return misplaced(findings.sorted, bytes, file: "Dockerfile")
    }

    static let ignoreFile = Subject(
        "dockerignore", texts: ["# x\n*.log\n!keep.log\n**/a?[b-d]/\n/x\\*\n", "a/../b\n"],
        words: ["**", "*", "?", "[", "]", "[^a-", "\\", "!", "/", "..", "\n", "]]"]
    ) { bytes, _ in
        var findings = Findings(file: ".dockerignore")
        let rules = IgnoreFile(file: ".dockerignore", bytes: bytes, findings: &findings)
        for path in ["a", "a/b/c", "x/keep.log", "[", "\u{301}/e", "aab/x"] { _ = rules.excludes(path) }
        return misplaced(findings.sorted, bytes, file: ".dockerignore")
    }

    /// A place outside of the file could not be shown.
    private static func misplaced(_ diagnostics: [Diagnostic], _ bytes: [UInt8], file: String) -> String? {
        // YAML breaks lines at U+0085, U+2028 and U+2029 too (1.1, section 4.2).
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = 1 + text.unicodeScalars.count { [0x0A, 0x0D, 0x85, 0x2028, 0x2029].contains($0.value) }
        for place in diagnostics.compactMap(\.place) where place.file == file {
            guard place.line >= 1, place.column >= 1, place.length >= 0, place.line <= lines + 1 else {
                return "a finding at \(place) of a file of \(lines) lines"
            }
        }
        return nil
    }

    static let json = Subject(
        "json",
        texts: [
            #"{"a": [1, -2.5e3, true, null, "x\u00e9\n\ud83d\ude00"], "b": {"c": {}}, "a": 18446744073709551615}"#,
            "[[[]]]", "0",
        ],
        words: [
            "\\u", "\\ud800", "\\\"", "\"", "[", "]", "{", "}", ":", ",", "1e400", "-0", "0.1", "true", "nul",
            "\u{2028}",
        ]
    ) { bytes, _ in
        guard let value = try? JSONValue(parsing: bytes) else { return nil }
        for layout in [JSONValue.Layout.compact, .pretty(indent: 2)] {
            guard let again = try? JSONValue(parsing: value.serialized(layout)) else {
                return "what was written is not read: \(value.text())"
            }
            // 1e3 is written as 1000, a whole number as any other.
            guard again.text() == value.text() else { return "written and read again it is another: \(value.text())" }
        }
        return nil
    }

    static let base64 = Subject(
        "base64", texts: ["aGVsbG8=", "AA==", "////", ""], words: ["=", "-_", "\n", "AAAA", "/+"]
    ) {
        bytes, _ in
        guard decodeBase64(encodeBase64(bytes)) == bytes else { return "encoded and decoded it is another" }
        guard let decoded = decodeBase64(String(decoding: bytes, as: UTF8.self)) else { return nil }
        return decodeBase64(encodeBase64(decoded)) == decoded ? nil : "decoded, encoded and decoded it is another"
    }

    static let reference = Subject(
        "reference",
        texts: [
            "nginx", "ghcr.io/a/b:1.2@sha256:" + String(repeating: "a", count: 64), "localhost:5000/x_y__z/w-v:T",
            "[::1]:5000/a",
        ],
        words: ["/", ":", "@", "sha256:", ".", "__", "-", "A", "%", "..", "docker.io/", "library/", "é"]
    ) { bytes, _ in
        guard let reference = try? Reference(String(decoding: bytes, as: UTF8.self)) else { return nil }
        guard let again = try? Reference(reference.description) else { return "\(reference) is not read" }
        return again == reference ? nil : "\(reference) is read as \(again)"
    }

    static let digest = Subject(
        "digest", texts: ["sha256:" + String(repeating: "0f", count: 32)], words: [":", "sha512:", "F", "/"]
    ) {
        bytes, _ in
        guard let digest = Digest(String(decoding: bytes, as: UTF8.self)) else { return nil }
        return Digest(digest.description) == digest ? nil : "\(digest) is not read as itself"
    }

    static let template = Subject(
        "template",
        texts: [
            "table {{.Names}}\\t{{.Status}}",
            "{{range .Ports}}{{printf \"%v-%5s\" .HostPort .Name | upper}}{{else}}none{{end}}",
            "{{if and .A (not .B)}}{{len .A}}{{else}}{{index .L 1}}{{end}}",
            "{{with .M}}{{json .}}{{end}}{{join .L \",\"}}",
        ],
        words: [
            "{{", "}}", "{{- ", " -}}", "{{/* */}}", "end", "else", "range ", "if ", "with ", ".", ".A.B", "|", "(",
            ")", "`", "\"", "%d",
            "index ", "slice ", "printf ", "split ", "pad ", "truncate ", " 9223372036854775807", " -1", "$x := ",
        ]
    ) { bytes, _ in
        guard let template = try? GoTemplate(String(decoding: bytes, as: UTF8.self)) else { return nil }
        let value: JSONValue = [
            "A": "a", "B": false, "L": ["x", "y"], "M": ["k": 1], "Names": "n",
            "Ports": [["HostPort": 80, "Name": "é"]],
        ]
        _ = template.fields
        guard let text = try? template.render(value) else { return nil }
        return text.utf8.count > 64 << 20 ? "\(text.utf8.count) bytes come out" : nil
    }
}
