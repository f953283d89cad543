import Glibc
import Linux
import Testing

/// The projects below `examples/` and the archives of the images that they use.
enum Examples {
    private static let package = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()

    static func folder(_ name: String) -> String { "\(package)/examples/\(name)" }

    /// The script that makes the archives, from Debian packages, and imports them. It keeps what it made.
    static let script = "\(package)/scripts/example-images.sh"

    /// Makes the archives that are missing, once: minutes on a machine that never did it.
    static func makeImages() async throws { try await made.value }

    private static let made = Task {
        // `true` for a `berth`: nothing is imported.
        let program = try RunningProgram(
            "/bin/bash", ["bash", script], command: script,
            environment: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "BERTH=true"], input: "",
            folder: "/tmp/berth-tests-examples-\(getpid())")
        let outcome = try await program.outcome(within: .seconds(900))
        guard outcome.status == 0 else { throw ProgramFailure(description: "\(outcome)") }
        try removeTree("/tmp/berth-tests-examples-\(getpid())")
    }
}

extension World {
    /// A world whose project is a copy of an example, its images imported.
    static func with(
        example: String, images: [String], _ body: (World) async throws -> Void
    ) async throws {
        try await Examples.makeImages()
        try await World.with(project: example) { world in
            // Some have hundreds of megabytes, which a debug build unpacks on a busy machine.
            for image in images { try await world.shell("bash \(Examples.script) \(image)", within: .seconds(480)) }
            try await world.shell("cp -r \(Examples.folder(example))/. .")
            try await body(world)
        }
    }
}
