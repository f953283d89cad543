import ComposeFile
import Testing
import YAML

@Suite("A valid file with one mistake in it") struct MutationTests {
    static let lines = """
        name: shop
        services:
          web:
            image: nginx:1.27
            ports:
              - "8080:80"
              - target: 443
                published: "8443"
            environment:
              LEVEL: debug
              TZ: Europe/Berlin
            depends_on:
              db:
                condition: service_healthy
            networks:
              front:
                aliases: [www]
                ipv4_address: 172.28.0.10
              back:
            volumes:
              - data:/var/lib/data
              - ./conf:/etc/conf:ro
              - type: tmpfs
                target: /cache
                tmpfs: {size: 64m}
            deploy:
              resources:
                limits: {cpus: "0.5", memory: 128M}
            logging:
              driver: json-file
              options: {max-size: 10m}
            ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 512}
            healthcheck:
              test: [CMD, curl, -f, "http://localhost"]
              interval: 10s
              retries: 3
            secrets: [pw]
            configs:
              - source: cfg
                target: /etc/cfg
                mode: 0440
            dns: [9.9.9.9]
            extra_hosts: ["gw=host-gateway"]
            restart: unless-stopped
            tmpfs: /run
            devices: ["/dev/fuse:/dev/fuse:rwm"]
            expose: [3000]
            command: [nginx, -g, "daemon off;"]
          db:
            image: postgres:16
            build:
              context: ./db
              args: {V: 1}
            extends: base
          base:
            image: busybox
            mem_limit: 512m
            cpus: 1.5
        networks:
          front:
            ipam: {config: [{subnet: 172.28.0.0/16, gateway: 172.28.0.1}]}
          back: {internal: true}
        volumes:
          data:
            driver: local
        secrets:
          pw: {file: pw.txt}
        configs:
          cfg: {content: "x=1"}
        """.split(separator: "\n").map(String.init)

    /// Ways to spoil a line; nil where a line has nothing to spoil.
    static let ways: [(name: String, spoil: @Sendable (String) -> String?)] = [
        ("one blank more", { " " + $0 }), ("two spaces more", { "  " + $0 }),
        ("one blank less", { $0.hasPrefix(" ") ? String($0.dropFirst()) : nil }),
        ("two spaces less", { $0.hasPrefix("  ") ? String($0.dropFirst(2)) : nil }),
        ("a tab", { $0.hasPrefix("  ") ? "\t" + $0.drop { $0 == " " } : nil }),
        ("a no-break space", { $0.hasPrefix("  ") ? "\u{A0}\u{A0}" + $0.dropFirst(2) : nil }),
        ("no space after the colon", { replaced($0, ": ", ":") }), ("no colon", { replaced($0, ":", "") }),
        ("no space after the dash", { replaced($0, "- ", "-") }),
        ("an equals sign", { replaced($0, ": ", "=") }), ("a second value", { replaced($0, ": ", ": x: ") }),
        ("a list", { value($0, "[a, b]") }), ("a number", { value($0, "12") }),
        ("a negative number", { value($0, "-1") }),
        ("a mapping", { value($0, "{a: b}") }), ("nothing", { value($0, "null") }), ("true", { value($0, "true") }),
        ("a decimal comma", { value($0, "1,5") }), ("words", { value($0, "10 sec") }),
        ("an open quote", { value($0, "\"x") }),
        ("an open bracket", { value($0, "[x") }), ("an unset required variable", { value($0, "${X:?}") }),
        ("a broken substitution", { value($0, "${X") }), ("an alias", { value($0, "*x") }),
        ("an at sign", { value($0, "@x") }), ("no brackets", { replaced($0, "]", "") }),
        ("no braces", { replaced($0, "}", "") }),
        (
            "another name",
            { line in
                line.firstIndex(of: ":").map { line[..<$0].prefix { $0 == " " || $0 == "-" } + "foo" + line[$0...] }
            }
        ),
    ]

    private static func replaced(_ line: String, _ old: String, _ new: String) -> String? {
        line.firstRange(of: old).map { line.replacingCharacters($0, new) }
    }

    private static func value(_ line: String, _ new: String) -> String? {
        line.firstRange(of: ": ").map { line[..<$0.upperBound] + new }
    }

    @Test("is told at a place, with what to do, and nearly always with the attribute", arguments: ways.indices)
    func spoilt(_ way: Int) {
        let spoil = Self.ways[way].spoil
        var (failures, pathless) = (0, 0)
        for index in Self.lines.indices {
            guard let line = spoil(Self.lines[index]) else { continue }
            var lines = Self.lines
            lines[index] = line
            let text = lines.joined(separator: "\n") + "\n"
            do throws(LoadFailure) {
                _ = try load(LoadRequest(workingDirectory: "/p"), from: MemoryFiles(texts: ["/p/compose.yaml": text]))
            } catch {
                failures += 1
                for found in error.diagnostics where found.severity == .error {
                    #expect(found.hint != nil, "\(line): \(found.message)")
                    #expect(found.place != nil, "\(line): \(found.message)")
                }
                if error.diagnostics.first(where: { $0.severity == .error })?.path == nil { pathless += 1 }
            }
        }
        #expect(failures > 5)
        #expect(pathless <= 2)
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<String.Index>, _ new: String) -> String {
        self[..<range.lowerBound] + new + self[range.upperBound...]
    }
}
