import EngineWire
import Glibc
import Linux

/// Starts the engine's program with the caller's permissions, to pack or unpack the caller's files.
package enum CopyHelper {
    /// Packs `name` in `folder` as `target` into the pipe that `body` gets; an empty name means the folder's content.
    package static func pack(
        _ name: String, of folder: String, as target: String, environment: [String: String],
        _ body: (CInt) throws -> Void
    ) throws {
        var pipe = try DescriptorPair.pipe()
        let source = pipe.takeFirst()
        let helper = try Helper.start(["pack", folder, name, target], 1, pipe.takeSecond(), environment)
        var failure: (any Error)?
        do { try body(source.raw) } catch { failure = error }
        _ = consume source
        // An error message of the helper takes precedence. It has none when only its reader has gone.
        do { try helper.finish() } catch let said {
            if let failure, said.hasNoReason { throw failure }
            throw said.failure
        }
        if let failure { throw failure }
    }

    /// Unpacks what `body` writes into its pipe, into `folder`.
    package static func unpack(
        into folder: String, keepsOwners: Bool, environment: [String: String], _ body: (CInt) throws -> Void
    ) throws {
        var pipe = try DescriptorPair.pipe()
        let sink = pipe.takeSecond()
        let helper = try Helper.start(
            ["unpack", folder, keepsOwners ? "owners" : "own"], 0, pipe.takeFirst(), environment)
        var failure: (any Error)?
        do { try body(sink.raw) } catch { failure = error }
        _ = consume sink
        do { try helper.finish() } catch {
            // A truncated archive is the fault of the other side.
            throw failure ?? error.failure
        }
        if let failure { throw failure }
    }
}

private struct Helper: ~Copyable {
    private let pid: pid_t
    private let errors: OwnedFD

    private init(pid: pid_t, errors: consuming OwnedFD) {
        self.pid = pid
        self.errors = errors
    }

    /// Starts it with `descriptor` as its descriptor `number`.
    static func start(
        _ arguments: [String], _ number: CInt, _ descriptor: consuming OwnedFD, _ environment: [String: String]
    ) throws -> Helper {
        guard let program = EngineLauncher.program(environment: environment) else {
            throw EngineFailure(
                code: .notInstalled, message: "`berthd`, which packs files, was not found",
                hint: "put it beside the `berth` program or on the PATH")
        }
        var pipe = try DescriptorPair.pipe()
        let errors = pipe.takeFirst()
        let theirs = pipe.takeSecond()
        let pid = try spawnProcess(
            program, arguments: [program, "copy-helper"] + arguments, environment: ["SWIFT_BACKTRACE=enable=no"],
            descriptors: [number: descriptor.raw, 2: theirs.raw])
        return Helper(pid: pid, errors: errors)
    }

    /// How it failed.
    struct Complaint: Error, CustomStringConvertible {
        /// It ended without a message.
        let hasNoReason: Bool
        let failure: EngineFailure
        var description: String { failure.message }
    }

    /// - Throws: the error that it reports.
    consuming func finish() throws(Complaint) {
        let text = String(decoding: (try? errors.readToEnd(limit: 65536)) ?? [], as: UTF8.self)
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        guard status == 0 else {
            let reason = text.split(separator: "\n").last.map(String.init)
            throw Complaint(
                hasNoReason: reason == nil,
                failure: EngineFailure(code: .failed, message: reason ?? "the files were not copied"))
        }
    }
}
