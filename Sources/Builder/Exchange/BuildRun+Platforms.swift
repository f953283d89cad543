import Dockerfile
import EngineWire
import Images
import OCI

// The platforms of stages, and whether their steps can run here.
extension BuildRun {
    /// The platform of a stage: what its FROM asks for, else that of the stage that it is built from, else the build's.
    func platform(ofStage index: Int) -> Platform {
        if let platform = platforms[index].flatMap({ try? Platform.named($0) }) { return platform }
        guard case .stage(let other) = graph.nodes[index].base else { return target }
        return platform(ofStage: other)
    }

    /// The platform of stages that name none.
    var target: Platform { parts.request.platform.flatMap { try? Platform.named($0) } ?? .host }

    /// - Throws: `BuildFailure` with a note for each platform whose programs this machine cannot run though a RUN needs them.
    func checkPlatforms() async throws {
        var told: Set<String> = []
        var notes: [BuildNote] = []
        for index in graph.order().sorted() {
            let stage = build.stages[index]
            let platform = platform(ofStage: index)
            guard let run = stage.instructions.first(where: { if case .run = $0.operation { true } else { false } }),
                !Platform.host.runs(platform), told.insert(platform.text).inserted,
                await !parts.host.emulates(platform)
            else { continue }
            notes.append(
                BuildNote(
                    code: .unsupported,
                    message:
                        "this RUN needs \(platform.text), but this machine runs \(Platform.host.text)",
                    hint:
                        "an emulator makes it possible: `apt install qemu-user-static binfmt-support`; what is compiled for another platform can be made in a stage `FROM --platform=$BUILDPLATFORM`",
                    place: .init(run.written.span(in: build.file))))
        }
        guard notes.isEmpty else { throw BuildFailure(notes) }
    }
}

extension BuildRun {
    /// - Throws: `BuildFailure` for a text that names no platform.
    static func check(platforms: [String?]) throws {
        for text in platforms {
            do throws(ImageError) { _ = try Platform.named(text) } catch {
                throw BuildFailure([BuildNote(message: "\(error)")])
            }
        }
    }
}

extension Platform {
    /// Programs of `other` run on this platform's processors as they are.
    package func runs(_ other: Platform) -> Bool {
        let (own, other) = (normalized, other.normalized)
        guard own.os == other.os else { return false }
        return own.architecture == other.architecture || own.architecture == "amd64" && other.architecture == "386"
    }
}
