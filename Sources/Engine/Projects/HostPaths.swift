import Linux

/// Looks at paths of the host, which may lie on a file system whose server is away: such a call does not come back, and must keep
/// nobody else waiting.
enum HostPaths {
    private static let patience = Duration.seconds(5)
    private static let threads = BlockingPool(name: "host paths", limit: 64)

    /// Those that are not there, and those about which the kernel gives no answer.
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
