import Linux
import Testing

/// What the manifest and the imports may say: arrows point down, and each C library and Foundation stay where they belong.
@Suite struct LayeringTests {
    /// From the bottom up; a target may depend on those of the lines above its own, and on those before it in its line.
    static let order: [[String]] = [
        ["CLinux", "CYAML", "CSeccomp", "CCap", "CNFTables", "CArchive", "CNettle"],
        ["Addresses", "JSON", "OCI", "Linux", "AttachStream", "Tar", "ProjectModel"],
        ["YAML", "ComposeFile", "Dockerfile"],
        ["Runtime", "Monitor"],
        ["NameService", "Networking"],
        ["Images"],
        ["Reconcile", "EngineWire"],
        ["BuildContext", "Builder"],
        ["Engine"],
        ["HTTPService", "EngineAPI", "DockerAPI"],
        ["EngineClient", "FileWatch", "Console"],
        ["berth", "berthd", "berth-net", "berth-monitor", "berth-runtime", "berth-init"],
    ]

    /// Never these, though they stand below.
    static let apart: [(String, from: [String])] = [
        ("Runtime", ["YAML", "ComposeFile"]),
        ("Monitor", ["YAML", "ComposeFile", "Networking", "NameService", "Images"]),
        ("Networking", ["Runtime", "Monitor", "ComposeFile", "YAML"]),
        ("Images", ["Runtime", "Monitor", "Networking", "NameService", "ComposeFile", "YAML"]),
        ("Reconcile", ["Linux", "YAML", "ComposeFile", "Runtime", "Monitor", "Networking", "NameService", "Images"]),
        ("Engine", ["YAML", "ComposeFile"]),
        ("BuildContext", ["ComposeFile", "Images"]),
        ("Builder", ["ComposeFile", "Runtime", "Monitor", "Networking", "NameService"]),
        ("HTTPService", ["Engine", "EngineWire", "JSON"]),
        ("DockerAPI", ["EngineAPI", "YAML", "ComposeFile"]),
        ("EngineClient", ["Engine", "EngineAPI", "DockerAPI", "Images", "Networking", "Monitor", "Runtime"]),
        (
            "FileWatch",
            [
                "Engine", "EngineAPI", "DockerAPI", "EngineClient", "EngineWire", "Images", "Networking", "Monitor",
                "Runtime",
            ]
        ),
        (
            "Console",
            ["Engine", "EngineAPI", "DockerAPI", "EngineClient", "Images", "Networking", "Monitor", "Runtime"]
        ),
        ("berth", ["Engine", "EngineAPI", "DockerAPI", "Images", "Networking", "Monitor", "Runtime"]),
        ("berthd", ["YAML", "ComposeFile", "Console", "EngineClient"]),
    ]

    @Test("a target depends only on what stands below it")
    func arrows() throws {
        let manifest = try Manifest()
        let ranks = Self.order.joined().enumerated().reduce(into: [String: Int]()) { $0[$1.element] = $1.offset }
        #expect(Set(manifest.targets.map(\.name)) == Set(ranks.keys), "a target without a place in the order")
        for target in manifest.targets {
            for dependency in target.dependencies {
                let isBelow = (ranks[dependency] ?? .max) < (ranks[target.name] ?? 0)
                #expect(isBelow, "\(target.name) → \(dependency) points up")
            }
        }
    }

    @Test("parts that know nothing of each other do not depend on each other", arguments: apart.map(\.0))
    func apartness(name: String) throws {
        let target = try #require(try Manifest().targets.first { $0.name == name })
        let strangers = Self.apart.first { $0.0 == name }?.from ?? []
        #expect(Set(target.dependencies).isDisjoint(with: strangers), "\(target.dependencies)")
    }

    @Test("a file imports only what its target depends on")
    func imports() throws {
        let manifest = try Manifest()
        let own = Set(Self.order.joined())
        for target in manifest.targets {
            for file in try SourceFile.all(of: target.name) {
                for module in file.imports where own.contains(module) {
                    #expect(target.dependencies.contains(module), "\(file.path) imports \(module)")
                }
            }
        }
    }

    @Test("what lives as long as a container, or starts with one, is free of Foundation")
    func noFoundation() throws {
        let free = [
            "Addresses", "JSON", "OCI", "Linux", "AttachStream", "Tar", "FileWatch", "ProjectModel", "YAML",
            "ComposeFile", "Dockerfile",
            "Runtime",
            "Monitor", "NameService", "Reconcile", "EngineWire", "berth-net", "berth-monitor", "berth-runtime",
        ]
        for file in try free.flatMap(SourceFile.all) {
            #expect(file.imports.allSatisfy { !$0.hasPrefix("Foundation") }, "\(file.path)")
        }
    }

    @Test(
        "each C library is seen by one target",
        arguments: [
            ("CYAML", "YAML"), ("CNFTables", "Networking"), ("CArchive", "Images"), ("CNettle", "Images"),
            ("CSeccomp", "Runtime"),
            ("CCap", "Linux"),
        ])
    func libraries(library: String, target: String) throws {
        let users = try Manifest().targets.filter { $0.dependencies.contains(library) }.map(\.name)
        #expect(users == [target])
    }

    @Test("every error says in words what went wrong: without them Swift prints its type's name")
    func errorsHaveWords() throws {
        var count = 0
        for target in try Manifest().targets {
            for file in try SourceFile.all(of: target.name) {
                for line in try readText(file.path, limit: 1 << 22).split(separator: "\n") {
                    guard ["struct ", "enum ", "class "].contains(where: line.contains), line.contains(":"),
                        let list = line.split(separator: ":", maxSplits: 1).last?.split(separator: "{").first,
                        list.split(whereSeparator: { ", ".contains($0) }).contains("Error"),
                        !line.contains("private struct")
                    else { continue }
                    count += 1
                    #expect(list.contains("CustomStringConvertible"), "\(file.path): \(line)")
                }
            }
        }
        #expect(count > 30)
    }

    @Test("no file is longer than 500 lines")
    func length() throws {
        for target in try Manifest().targets {
            for file in try SourceFile.all(of: target.name) { #expect(file.lines <= 500, "\(file.path)") }
        }
    }
}
