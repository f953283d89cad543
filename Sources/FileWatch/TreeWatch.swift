import Glibc
import Linux

/// Follows files and folders with all that is below them (inotify(7)).
///
/// Events only say where to look: what changed is found by comparing what is there with what was there, so an event that tells
/// too little, comes too late or is lost costs a look and no change. Not for several threads.
package final class TreeWatch {
    private struct Watched {
        /// The folder's node, when it is one of those that are followed.
        var folder: (path: String, node: TreeNode)?
        /// This folder is the nearest one above these roots: each with the name here that leads to it.
        var roots: [String: String] = [:]
    }

    /// Paths without symbolic links; none is below another.
    private let roots: [String]
    private let skips: (String) -> Bool
    private let instance: OwnedFD
    private var nodes: [String: TreeNode] = [:]
    private var watched: [CInt: Watched] = [:]
    /// The watch of the nearest folder above each root.
    private var anchors: [String: CInt] = [:]
    private var dirty: [CInt: Set<String>] = [:]
    private var dirtyRoots: Set<String> = []
    private var mustLookAtAll = false
    private var changes: [FileChange] = []
    /// Folders that could not be watched because the user has as many watches as allowed: only a full look finds what changes
    /// in them.
    package private(set) var hasUnwatchedFolders = false

    private static let events = UInt32(
        IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
            | IN_MOVE_SELF)

    /// Begins to follow `paths`, absolute and without symbolic links. What is there now is no change. Folders for which `skips`
    /// is true are left out with all that is below them.
    /// - Throws: when there can be no further inotify instance.
    package init(_ paths: [String], skips: @escaping (String) -> Bool) throws(SyscallError) {
        instance = try Inotify.open(for: "watched files")
        self.skips = skips
        roots = Set(paths).sorted().filter { path in
            !paths.contains { $0 != path && path.hasPrefix($0 == "/" ? "/" : "\($0)/") }
        }
        for root in roots { lookAt(root: root) }
        changes = []
    }

    /// For waiting with poll(2); lent, not given.
    package var descriptor: CInt { instance.raw }

    /// Takes in the events that came; true when there is something to look at.
    package func takeEvents() -> Bool {
        Inotify.read(instance.raw) { note($0) }
        return mustLookAtAll || !dirty.isEmpty || !dirtyRoots.isEmpty
    }

    /// The kernel dropped events.
    func noteOverflow() { mustLookAtAll = true }

    private func note(_ event: Inotify.Event) {
        if event.isOverflow { return noteOverflow() }
        guard let target = watched[event.watch] else { return }
        if event.isEnd {
            watched[event.watch] = nil
            dirty[event.watch] = nil
            target.folder?.node.watch = nil
            dirtyRoots.formUnion(target.roots.keys)
            return
        }
        if event.name.isEmpty {
            // The folder has another name now: the roots below it have another folder above them.
            if event.mask & UInt32(IN_MOVE_SELF) != 0 { dirtyRoots.formUnion(target.roots.keys) }
            return
        }
        if target.folder != nil { dirty[event.watch, default: []].insert(event.name) }
        for (root, name) in target.roots where name == event.name { dirtyRoots.insert(root) }
    }

    /// The next `takeChanges` looks at every file.
    package func lookAtAll() { mustLookAtAll = true }

    /// What changed since the last call, or since the beginning: once for each path, folders before what is in them.
    package func takeChanges() -> [FileChange] {
        changes = []
        if mustLookAtAll {
            mustLookAtAll = false
            hasUnwatchedFolders = false
            dirty = [:]
            dirtyRoots = []
            for root in roots { lookAt(root: root, deeply: true) }
        } else {
            let touched = dirty
            dirty = [:]
            for (watch, names) in touched {
                for name in names.sorted() {
                    // Looking at another name may have put an end to this folder.
                    guard let (path, node) = watched[watch]?.folder else { break }
                    look(at: Self.join(path, name), name, in: node, deeply: false)
                }
            }
            let rooted = dirtyRoots
            dirtyRoots = []
            for root in rooted.sorted() { lookAt(root: root) }
        }
        return Self.inOrder(changes)
    }

    /// The files and links that are followed now, below `path` or it itself.
    package func files(below path: String) -> [String] {
        var result: [String] = []
        for root in roots {
            guard let node = nodes[root] else { continue }
            collect(root, node, &result)
        }
        return result.filter { $0 == path || $0.hasPrefix(path == "/" ? path : "\(path)/") }
    }

    private func collect(_ path: String, _ node: TreeNode, _ result: inout [String]) {
        if !node.stamp.isFolder { result.append(path) }
        for (name, child) in node.children.sorted(by: { $0.key < $1.key }) {
            collect(Self.join(path, name), child, &result)
        }
    }

    // MARK: Looking

    private func lookAt(root: String, deeply: Bool = false) {
        anchor(root)
        let holder = TreeNode(FileStamp(stat()))
        if let node = nodes[root] { holder.children[root] = node }
        look(at: root, root, in: holder, deeply: deeply)
        nodes[root] = holder.children[root]
    }

    /// Watches the nearest folder above `root` that is there: it tells when `root` comes, goes or is replaced, and when it
    /// changes, if it is a file.
    private func anchor(_ root: String) {
        let before = anchors[root]
        anchors[root] = nil
        var path = root
        while path != "/", let slash = path.lastIndex(of: "/") {
            let name = String(path[path.index(after: slash)...])
            path = slash == path.startIndex ? "/" : String(path[..<slash])
            guard let number = watch(path) else { continue }
            watched[number, default: Watched()].roots[root] = name
            anchors[root] = number
            break
        }
        guard let before, before != anchors[root] else { return }
        watched[before]?.roots[root] = nil
        letGo(before)
    }

    /// Ends a watch that nothing needs any more.
    private func letGo(_ number: CInt) {
        guard let target = watched[number], target.folder == nil, target.roots.isEmpty else { return }
        watched[number] = nil
        Inotify.remove(number, from: instance.raw)
    }

    /// Compares `path`, which is `name` in the folder of `parent`, with what it was.
    private func look(at path: String, _ name: String, in parent: TreeNode, deeply: Bool) {
        let before = parent.children[name]
        guard let stamp = FileStamp(of: path), stamp.isSource else {
            guard let before else { return }
            parent.children[name] = nil
            return forget(path, before)
        }
        guard let before, stamp.isFolder == before.stamp.isFolder else {
            if let before { forget(path, before) }
            let node = TreeNode(stamp)
            parent.children[name] = node
            changes.append(FileChange(path, .changed))
            if stamp.isFolder { enter(path, node) }
            return
        }
        if !stamp.isSame(as: before.stamp) { changes.append(FileChange(path, .changed)) }
        // Another folder in its place: what both have is compared, and what only the old one had is gone.
        if stamp.isFolder, !stamp.isSameObject(as: before.stamp) { unwatch(before) }
        before.stamp = stamp
        // A folder without a watch is new here, or was away for a moment.
        if stamp.isFolder, deeply || before.watch == nil { enter(path, before) }
    }

    /// Watches a folder, then looks at all that is in it: in this order, so that nothing is missed in between.
    private func enter(_ path: String, _ node: TreeNode) {
        if skips(path) { return }
        if let number = watch(path) {
            node.watch = number
            watched[number, default: Watched()].folder = (path, node)
        }
        let names = (try? folderEntries(path)) ?? []
        for name in Set(names).union(node.children.keys).sorted() {
            look(at: Self.join(path, name), name, in: node, deeply: true)
        }
    }

    /// nil for a folder that is gone, that the caller may not read, or that no watch is left for.
    private func watch(_ path: String) -> CInt? {
        do throws(SyscallError) {
            return try Inotify.add(path, Self.events | UInt32(IN_ONLYDIR), to: instance.raw)
        } catch {
            if error.code == .noSpace { hasUnwatchedFolders = true }
            return nil
        }
    }

    private func unwatch(_ node: TreeNode) {
        guard let number = node.watch else { return }
        node.watch = nil
        watched[number]?.folder = nil
        letGo(number)
    }

    /// It is gone, and all that was below it.
    private func forget(_ path: String, _ node: TreeNode) {
        changes.append(FileChange(path, .removed))
        unwatch(node)
        for (name, child) in node.children { forget(Self.join(path, name), child) }
    }

    private static func join(_ folder: String, _ name: String) -> String {
        folder == "/" ? "/\(name)" : "\(folder)/\(name)"
    }

    /// Sorted by path. A path that went and came back, as something else, is both.
    private static func inOrder(_ changes: [FileChange]) -> [FileChange] {
        var seen: Set<FileChange> = []
        return changes.enumerated()
            .sorted { ($0.element.path, $0.offset) < ($1.element.path, $1.offset) }
            .map(\.element).filter { seen.insert($0).inserted }
    }
}
