import Linux

/// Checks paths of the host. A path on a file system whose server is down can block a call forever; this must not block
/// other work.
enum HostPaths {
    private static let patience = Duration.seconds(5)
    private static let threads = BlockingPool(name: "host paths", limit: 64)

    /// The paths that do not exist, and those for which the kernel does not answer.
    static func look(at paths: [String]) async -> (missing: Set<String>, silent: Set<String>) {
        await withTaskGroup(of: (String, Bool?).self) { group in
            for path in Set(paths) {
                group.addTask { (path, await threads.run(within: patience) { fileExists(path) }) }
            }
            var missing: Set<String> = []
            var silent: Set<String> = []
            for await (path, exists) in group {
                if exists == false { missing.insert(path) }
                if exists == nil { silent.insert(path) }
            }
            return (missing, silent)
        }
    }
}
