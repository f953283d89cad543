import Console
import EngineClient
import EngineWire
import Linux

/// What to do with a build's result.
struct BuildOutputWish: Hashable {
    enum Destination: Hashable {
        /// An absolute path.
        case folder(String)
        case file(String)
        case standardOutput
    }

    var kind: BuildRequest.Output
    var destination: Destination?
    /// More names for the image.
    var names: [String] = []
    /// Push the image to the registries in its names.
    var isPushed = false

    /// Parses `--output`: `type=local,dest=DIR`, or only DIR, or `-` for a tar on standard output.
    init(_ text: String, in session: Session) throws {
        guard text.contains("=") else {
            self.init(kind: text == "-" ? .tree : .files)
            destination = text == "-" ? .standardOutput : .folder(session.absolute(text))
            return
        }
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            fields[pair[0].lowercased()] = pair.count == 2 ? pair[1] : "true"
        }
        let kinds: [String: BuildRequest.Output] = [
            "local": .files, "tar": .tree, "oci": .oci, "docker": .docker, "image": .image, "registry": .image,
            "cacheonly": .none,
        ]
        let type = fields["type"] ?? ""
        guard let kind = kinds[type] else {
            throw UsageFailure(
                "--output \(text): there is no output of type '\(type)'",
                hint: "use \(kinds.keys.sorted().joined(separator: ", ")), as in --output type=local,dest=out")
        }
        self.init(kind: kind)
        if kind == .image {
            isPushed = type == "registry" || fields["push"].map { $0 != "false" && $0 != "0" } == true
            names = fields["name"].map { [$0] } ?? []
        }
        guard let path = fields["dest"] else {
            switch kind {
            case .image, .none, .cache, .wholeCache: return
            case .docker: self.kind = .image  // as in docker: into the store
            case .files:
                throw UsageFailure("--output \(text): it has no folder", hint: "write --output type=local,dest=FOLDER")
            case .tree, .oci: destination = .standardOutput
            }
            return
        }
        switch kind {
        case .files: destination = .folder(session.absolute(path))
        default: destination = path == "-" ? .standardOutput : .file(session.absolute(path))
        }
    }

    init(kind: BuildRequest.Output) { self.kind = kind }
}

/// Writes the outputs of builds to their destinations as they arrive.
final class BuildOutputWriter {
    private enum Target {
        case file(OwnedFile, path: String)
        case standardOutput
        case program(FedProgram, folder: String)
        /// It could not be opened; its data are dropped.
        case none
    }

    private final class OwnedFile {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    private let wishes: [[BuildOutputWish]]
    private let session: Session
    private var target = Target.none

    init(_ wishes: [[BuildOutputWish]], in session: Session) {
        self.wishes = wishes
        self.session = session
    }

    func take(_ event: BuildOutputEvent) throws {
        switch event {
        case .begins(let head):
            guard wishes.indices.contains(head.build), wishes[head.build].indices.contains(head.output) else { return }
            target = try open(wishes[head.build][head.output])
        case .piece(let bytes): try write(bytes)
        case .ends: try finish()
        }
    }

    private func open(_ wish: BuildOutputWish) throws -> Target {
        switch wish.destination {
        case nil: return .none
        case .standardOutput?: return .standardOutput
        case .file(let path)?:
            do throws(SyscallError) {
                return .file(
                    OwnedFile(try createFile("\(path).part", mode: 0o644)), path: path)
            } catch { throw CommandFailure("the output \(path) cannot be written: \(error.code)") }
        case .folder(let path)?:
            guard let tar = MachineProgram("tar", environment: session.environment) else {
                throw CommandFailure("the files cannot be written to \(path): `tar` is not installed")
            }
            do throws(SyscallError) {
                try makeFolders(path)
                // The files belong to the caller, whoever owns them in the image.
                return .program(try tar.start(["-xpf", "-", "--no-same-owner", "-C", path]), folder: path)
            } catch { throw CommandFailure("the output \(path) cannot be written: \(error.code)") }
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        do throws(SyscallError) {
            switch target {
            case .file(let file, _): try file.descriptor.write(bytes)
            case .standardOutput: session.stdout.write(bytes: bytes)
            case .program(let program, _): try program.write(bytes)
            case .none: break
            }
        } catch { throw CommandFailure("the output cannot be written: \(error.code)") }
    }

    private func finish() throws {
        defer { target = .none }
        switch target {
        case .file(_, let path):
            do throws(SyscallError) { try moveFile("\(path).part", to: path) } catch {
                throw CommandFailure("the output \(path) cannot be written: \(error.code)")
            }
        case .program(let program, let folder):
            let status = program.finish()
            guard status == 0 else {
                throw CommandFailure("the files cannot be written to \(folder): tar ended with exit code \(status)")
            }
        case .standardOutput, .none: break
        }
    }
}
