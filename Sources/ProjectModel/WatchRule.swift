/// One entry of `develop.watch`: what to do when a file below a path changes.
///
/// Only the command line uses it, because it reads files with its caller's permissions. The engine never gets it.
package struct WatchRule: Hashable, Sendable {
    package enum Action: String, CaseIterable, Hashable, Sendable {
        case rebuild, sync, restart
        case syncAndRestart = "sync+restart"
        case syncAndExec = "sync+exec"

        /// The action copies changed files into the containers.
        package var copies: Bool { self == .sync || self == .syncAndRestart || self == .syncAndExec }
    }

    /// Absolute: a folder with everything below it, or one file.
    package var path: String
    package var action: Action
    /// The path in the containers that corresponds to `path`; required when the action copies.
    package var target: String?
    /// The command that `syncAndExec` runs in each container after a copy.
    package var exec: Hook?
    /// Patterns relative to `path`, in the syntax of .dockerignore; without any, every file counts.
    package var include: [String] = []
    /// Patterns of files that do not count.
    package var ignore: [String] = []
    /// Copy everything when the watch begins, not only later changes.
    package var initialSync: Bool = false

    package init(path: String, action: Action, target: String? = nil) {
        self.path = path
        self.action = action
        self.target = target
    }
}
