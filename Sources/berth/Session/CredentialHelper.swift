import JSON
import Linux

/// A program that stores logins: `docker-credential-NAME`, which reads a server from its input and answers with JSON.
struct CredentialHelper {
    let name: String
    let environment: [String: String]

    /// The login for `server`.
    /// - Throws: when the program is missing, has no login, or answers in another form. Its messages are not shown to
    ///   anybody.
    func get(_ server: String) throws -> JSONValue {
        let program = try path()
        let output = try ProgramOutput.of(
            program, arguments: ["docker-credential-\(name)", "get"],
            environment: environment.map { "\($0.key)=\($0.value)" }, input: Array("\(server)\n".utf8))
        return try JSONValue(parsing: output)
    }

    private func path() throws -> String {
        guard !name.contains("/") else {
            throw SyscallError(call: "exec", object: "docker-credential-\(name)", code: .invalid)
        }
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let path = "\(folder)/docker-credential-\(name)"
            if CallingProcess.canExecute(path) { return path }
        }
        throw SyscallError(call: "exec", object: "docker-credential-\(name)", code: .notFound)
    }
}
