import JSON
import YAML

/// Puts the profile into `security_opt: [seccomp=FILE]`: the file is read with the caller's rights, and the engine gets its text.
struct SeccompFiles {
    /// Relative paths start here.
    let folder: String
    let source: any FileSource
    let report: Report

    /// One entry as the engine takes it.
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
