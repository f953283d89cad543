/// News of what containers write, which is read from their logs' files.
package protocol LogFacet: Sendable {
    /// From now on, until the watch is let go, `bell` rings when a container has written; nil when it has no folder.
    func watchLog(of container: String, _ bell: Bell) -> FolderWatcher.Watch?
    /// To be called before sleeping on such a bell: what was written since it last rang, or is from now on, rings it.
    func armLogWatches()
}
