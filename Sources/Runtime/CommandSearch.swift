import Linux

/// Where a command is looked for.
package enum CommandSearch {
    /// The value of the variable `name`; of several the last.
    package static func lastValue(of name: String, in environment: [String]) -> String? {
        environment.reversed().lazy.compactMap { $0.droppingBytePrefix(name + "=") }.first
    }

    /// What execve(2) is tried with, as execvp(3) does.
    package static func candidates(for name: String, path: String?) -> [String] {
        if name.hasSlash { return [name] }
        let folders = path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return folders.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            $0.isEmpty ? "./\(name)" : "\(String(decoding: $0, as: UTF8.self))/\(name)"
        }
    }
}
