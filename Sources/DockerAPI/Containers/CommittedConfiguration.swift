import JSON

/// The settings of the image in the body of a commit, which override those of the container.
package struct CommittedConfiguration {
    /// The same settings as Dockerfile instructions.
    package private(set) var instructions: [String] = []

    package init(_ body: JSONValue) throws(DockerFailure) {
        let words = [("User", "USER"), ("WorkingDir", "WORKDIR"), ("StopSignal", "STOPSIGNAL")]
        for (name, instruction) in words {
            guard let value = body[name]?.string, !value.isEmpty else { continue }
            instructions.append("\(instruction) \(try Self.quoted(value, isBare: instruction != "WORKDIR"))")
        }
        for entry in body["Env"]?.array ?? [] {
            let pair = (entry.string ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty else { continue }
            instructions.append("ENV \(pair[0])=\(try Self.quoted(String(pair[1])))")
        }
        for member in body["Labels"]?.object?.members ?? [] {
            let key = try Self.quoted(member.key)
            instructions.append("LABEL \(key)=\(try Self.quoted(member.value.string ?? ""))")
        }
        for member in body["ExposedPorts"]?.object?.members ?? [] { instructions.append("EXPOSE \(member.key)") }
        for member in body["Volumes"]?.object?.members ?? [] {
            instructions.append("VOLUME \([member.key].json.text())")
        }
        // The entrypoint comes first because it clears the command.
        for (name, instruction) in [("Entrypoint", "ENTRYPOINT"), ("Cmd", "CMD")] {
            guard let words = body[name]?.array, !words.isEmpty else { continue }
            instructions.append("\(instruction) \(JSONValue.array(words).text())")
        }
        if let other = instructions.first(where: { $0.utf8.contains(0x0A) }) {
            throw .invalid("a commit's configuration cannot have line breaks: \(other)")
        }
    }

    /// A single word of an instruction, quoted so that no variable in it is expanded.
    private static func quoted(_ value: String, isBare: Bool = false) throws(DockerFailure) -> String {
        let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\\\"'$".utf8.contains($0) }
        if isBare && isPlain { return value }
        var escaped = ""
        for character in value {
            if "\\\"$".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return "\"\(escaped)\""
    }
}
