import ComposeFile
import JSON
import ProjectModel
import Testing
import YAML

@Suite("The corpus") struct CorpusTests {
    private func load(_ the: Corpus.Case) throws(LoadFailure) -> LoadResult {
        let request = LoadRequest(workingDirectory: "/p", environment: the.environment)
        return try ComposeFile.load(request, from: MemoryFiles(texts: the.files))
    }

    /// Where docker compose's form of output cannot say what the file said.
    private static let lossy = [
        "network_mode: \"\"", "keys are not interpolated", "build: {context: \"\"}", "aux_addresses: {host1",
    ]

    /// JSON has no models, a limit of 0 is empty in it, and limits of block devices have keys in capitals.
    private static let lossyInJSON = ["ai/x", "nproc: 0", "weight_device: [{path"]

    @Test("what is printed loads again, to the same text and the same project", arguments: ConfigFormat.allCases)
    func roundTrip(_ format: ConfigFormat) throws {
        var printed = 0
        for the in try Corpus.cases() where !Self.lossy.contains(where: the.title.contains) {
            if format == .json, Self.lossyInJSON.contains(where: the.title.contains) { continue }
            guard let result = try? load(the) else { continue }
            expectRoundTrip(result, format, the.environment, the.title)
            printed += 1
        }
        #expect(printed > 300)
    }

    private func expectRoundTrip(
        _ result: LoadResult, _ format: ConfigFormat, _ environment: [String: String], _ title: String
    ) {
        let text = renderConfig(result, format: format)
        do throws(LoadFailure) {
            let again = try loaded(text, environment: environment.filter { $0.key != "COMPOSE_FILE" })
            let (old, new) = (result.built().project, again.built().project)
            #expect(renderConfig(again, format: format) == text, "\(title)")
            #expect(new.name == old.name && new.services == old.services, "\(title)")
            #expect(new.networks == old.networks && new.volumes == old.volumes, "\(title)")
            #expect(new.secrets == old.secrets && new.configs == old.configs, "\(title)")
        } catch {
            // What a variable without a value spoils is refused when it stands in the file itself.
            let known = Set(result.unsupported.filter { $0.severity == .error }.map(\.message))
            if error.diagnostics.contains(where: { known.contains($0.message) }) { return }
            Issue.record("\(title): \(error.rendered())\n\(text)")
        }
    }

    @Test("the schema accepts and refuses what the loader does")
    func agreement() throws {
        var held = 0
        for the in try Corpus.cases() {
            guard the.files.keys.filter({ $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }) == ["/p/compose.yaml"],
                let text = the.files["/p/compose.yaml"]
            else { continue }
            var errors: [Diagnostic] = []
            do throws(LoadFailure) { _ = try load(the) } catch { errors = error.diagnostics }
            SchemaAgreement.expect(text, errors: errors, the.title)
            held += 1
        }
        #expect(held > 400)
    }

    @Test("every refusal has a place in a file, or says which file is missing")
    func refusals() throws {
        for the in try Corpus.cases() {
            do throws(LoadFailure) {
                _ = try load(the)
            } catch {
                #expect(error.diagnostics.contains { $0.severity == .error }, "\(the.title)")
                for diagnostic in error.diagnostics where diagnostic.place != nil {
                    #expect(error.sources.render(diagnostic).contains("^"), "\(the.title)")
                }
            }
        }
    }

    /// Deterministic: the same seed makes the same files.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let mixed = (state >> 33) ^ state
            return mixed &* 0xff51_afd7_ed55_8ccd
        }
    }

    @Test("mutated files never crash or hang, whatever they hold", arguments: 1...8)
    func mutations(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        let cases = try Corpus.cases()
        let tokens = [
            "{", "}", "[", "]", ":", "- ", "&a ", "*a", "<<: ", "${", "$", "}", "\"", "'", "|", ">", "\n", "  ", "\t",
            "#",
            "!reset ", "!override ", "null", "0", "-1", "99999999999999999999", "1e400", "\u{0}", "\u{FEFF}", "é😀",
            "x-",
            "extends: a", "include: [compose.yaml]", "---\n", "? ", "%YAML 1.2\n", ".inf", "2020-01-01", "services:",
        ]
        for _ in 0..<400 {
            guard let the = cases.randomElement(using: &generator), let file = the.files.keys.sorted().first,
                var bytes = the.files[file].map({ Array($0.utf8) }), !bytes.isEmpty
            else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.insert(contentsOf: tokens.randomElement(using: &generator)?.utf8 ?? "".utf8, at: position)
                case 1:
                    bytes.removeSubrange(
                        position..<min(bytes.count, position + Int.random(in: 0...9, using: &generator)))
                case 2: if position < bytes.count { bytes[position] = UInt8.random(in: 0...255, using: &generator) }
                default:
                    let end = min(bytes.count, position + Int.random(in: 0...40, using: &generator))
                    bytes.insert(
                        contentsOf: bytes[position..<end], at: Int.random(in: 0...bytes.count, using: &generator))
                }
            }
            var files = MemoryFiles(texts: the.files)
            files.files[file] = bytes
            let request = LoadRequest(workingDirectory: "/p", environment: the.environment)
            do throws(LoadFailure) {
                let result = try ComposeFile.load(request, from: files)
                let hooks = result.built().project.services.flatMap { $0.postStart + $0.preStop }
                // A hook of `command: null` is printed without its command.
                if !Self.lossy.contains(where: the.title.contains), !hooks.contains(where: \.command.isEmpty) {
                    expectRoundTrip(result, .yaml, the.environment, String(decoding: bytes, as: UTF8.self))
                }
            } catch {
                #expect(!error.rendered().isEmpty)
            }
        }
    }

    @Test("the schema in the repository is the one that the format gives")
    func schema() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let stored = String(decoding: try DiskFiles().read("/\(folder)/schemas/compose.schema.json"), as: UTF8.self)
        #expect(stored == composeSchema().text(.pretty(indent: 2)), "write it anew: berth config --schema")
    }

    @Test("every attribute is documented, and named once")
    func documented() {
        var open: [Record] = [Format.file]
        var seen: Set<ObjectIdentifier> = []
        var count = 0
        while let record = open.popLast() {
            guard seen.insert(ObjectIdentifier(record)).inserted else { continue }
            #expect(Set(record.attributes.map(\.name)).count == record.attributes.count, "\(record.title)")
            for attribute in record.attributes {
                #expect(attribute.documentation.hasSuffix("."), "\(record.title): \(attribute.name)")
                count += 1
                var shapes = [attribute.shape]
                while let shape = shapes.popLast() {
                    shapes += [shape.items, shape.members].compactMap { $0 }
                    if let inner = shape.record { open.append(inner) }
                }
            }
        }
        #expect(count > 250)
    }
}
