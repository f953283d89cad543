/// Reports new output of containers. The output itself is read from the log files.
package protocol LogFacet: Sendable {
    /// Rings `bell` when a container has written, until the watch is released; nil when the container has no folder.
    func watchLog(of container: String, _ bell: Bell) -> FolderWatcher.Watch?
    /// Call this before you sleep on such a bell. It rings for everything written since the last ring, and from now on.
    func armLogWatches()
}
