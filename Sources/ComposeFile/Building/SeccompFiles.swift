import JSON
import YAML

/// Replaces `security_opt: [seccomp=FILE]` by the profile: reads the file with the caller's permissions, because the
/// engine needs its text.
struct SeccompFiles {
    /// The base of relative paths.
    let folder: String
    let source: any FileSource
    let report: Report

    /// One entry in the engine's form.
    func resolved(_ node: Node) -> String? {
        guard let option = node.string else { return nil }
        guard let separator = option.firstIndex(where: { $0 == "=" || $0 == ":" }),
            option[..<separator] == "seccomp"
        else { return option }
        let path = String(option[option.index(after: separator)...])
        guard !["unconfined", "builtin"].contains(path) else { return "seccomp=\(path)" }
        return profile(FilePath.absolute(path, in: folder), node).map { "seccomp=\($0)" } ?? option
    }

    private func profile(_ path: String, _ node: Node) -> String? {
        let bytes: [UInt8]
        do throws(FileFailure) { bytes = try source.read(path) } catch {
            report.error(
                node.span, "the seccomp profile \(path) cannot be read: \(error.reason)",
                hint: "give it the path of a profile, or write seccomp=unconfined")
            return nil
        }
        guard let profile = try? JSONValue(parsing: bytes), profile["defaultAction"]?.string != nil else {
            report.error(
                node.span, "\(path) is not a seccomp profile: it must be a JSON object with a 'defaultAction'")
            return nil
        }
        return (try? encodeJSON(profile)).map { String(decoding: $0, as: UTF8.self) }
    }
}
