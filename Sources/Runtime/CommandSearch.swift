import Linux

/// Where to search for a command.
package enum CommandSearch {
    /// The value of the variable `name`; the last one counts.
    package static func lastValue(of name: String, in environment: [String]) -> String? {
        environment.reversed().lazy.compactMap { $0.droppingBytePrefix(name + "=") }.first
    }

    /// The paths to try with execve(2), as execvp(3) does.
    package static func candidates(for name: String, path: String?) -> [String] {
        if name.hasSlash { return [name] }
        let folders = path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return folders.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            $0.isEmpty ? "./\(name)" : "\(String(decoding: $0, as: UTF8.self))/\(name)"
        }
    }
}
