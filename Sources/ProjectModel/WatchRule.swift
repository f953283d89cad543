/// One entry of `develop.watch`: what is done when a file below a path changes.
///
/// Only the command line acts on it, because it reads files with its caller's rights; an engine neither gets nor stores it.
package struct WatchRule: Hashable, Sendable {
    package enum Action: String, CaseIterable, Hashable, Sendable {
        case rebuild, sync, restart
        case syncAndRestart = "sync+restart"
        case syncAndExec = "sync+exec"

        /// Changed files are copied into the containers.
        package var copies: Bool { self == .sync || self == .syncAndRestart || self == .syncAndExec }
    }

    /// Absolute: a folder with all that is below it, or one file.
    package var path: String
    package var action: Action
    /// Where `path` is in the containers; given when the action copies.
    package var target: String?
    /// What `syncAndExec` runs in each container after a copy.
    package var exec: Hook?
    /// Patterns relative to `path`, in the language of .dockerignore; without any, every file counts.
    package var include: [String] = []
    /// Likewise, of files that do not count.
    package var ignore: [String] = []
    /// Everything is copied when the watch begins, not only what changes after that.
    package var initialSync: Bool = false

    package init(path: String, action: Action, target: String? = nil) {
        self.path = path
        self.action = action
        self.target = target
    }
}
