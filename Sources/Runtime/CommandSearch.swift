/// Where a command is looked for.
package enum CommandSearch {
    /// The value of the variable `name`; of several the last.
    package static func lastValue(of name: String, in environment: [String]) -> String? {
        environment.last { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    /// What execve(2) is tried with, as execvp(3) does.
    package static func candidates(for name: String, path: String?) -> [String] {
        if name.contains("/") { return [name] }
        let folders = path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return folders.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "./\(name)" : "\($0)/\(name)"
        }
    }
}
