import Glibc
import Linux

/// Watches files and folders, including everything below them (inotify(7)).
///
/// Events only say where to look. Changes are found by comparing the current state with the previous one, so an
/// imprecise, late or lost event costs time but never a change. Use it from one thread only.
package final class TreeWatch {
    private struct Watched {
        /// The folder's node, if it belongs to a watched tree.
        var folder: (path: String, node: TreeNode)?
        /// This folder is the nearest existing one above these roots: each with the name in it that leads to the root.
        var roots: [String: String] = [:]
    }

    /// Paths without symbolic links; none is below another.
    private let roots: [String]
    private let skips: (String) -> Bool
    private let instance: OwnedFD
    private var nodes: [String: TreeNode] = [:]
    private var watched: [CInt: Watched] = [:]
    /// The watch on the nearest existing folder above each root.
    private var anchors: [String: CInt] = [:]
    private var dirty: [CInt: Set<String>] = [:]
    private var dirtyRoots: Set<String> = []
    private var mustLookAtAll = false
    private var changes: [FileChange] = []
    /// Some folders could not be watched because of the user's limit on watches; only a full scan finds changes in
    /// them.
    package private(set) var hasUnwatchedFolders = false

    private static let events = UInt32(
        IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
            | IN_MOVE_SELF)

    /// Starts to watch `paths`, absolute and without symbolic links. The current state is no change. Leaves out folders
    /// for which `skips` is true, with everything below them.
    /// - Throws: when the user can have no more inotify instances.
    package init(_ paths: [String], skips: @escaping (String) -> Bool) throws(SyscallError) {
        instance = try Inotify.open(for: "watched files")
        self.skips = skips
        roots = Set(paths).sorted().filter { path in
            !paths.contains { $0 != path && path.hasPrefix($0 == "/" ? "/" : "\($0)/") }
        }
        for root in roots { lookAt(root: root) }
        changes = []
    }

    /// For waiting with poll(2); this object still owns it.
    package var descriptor: CInt { instance.raw }

    /// Reads the events; true when there is something to look at.
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
            // The folder was renamed, so the roots below it are in another folder now.
            if event.mask & UInt32(IN_MOVE_SELF) != 0 { dirtyRoots.formUnion(target.roots.keys) }
            return
        }
        if target.folder != nil { dirty[event.watch, default: []].insert(event.name) }
        for (root, name) in target.roots where name == event.name { dirtyRoots.insert(root) }
    }

    /// The next `takeChanges` looks at every file.
    package func lookAtAll() { mustLookAtAll = true }

    /// The changes since the last call, or since the beginning: each path once, folders before their content.
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
                    // Looking at another name may have removed this folder.
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

    /// The currently watched files and links at or below `path`.
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

    /// Watches the nearest existing folder above `root`, which reports when `root` is created, removed or replaced,
    /// and, if it is a file, changed.
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

    /// Removes a watch that nothing needs any more.
    private func letGo(_ number: CInt) {
        guard let target = watched[number], target.folder == nil, target.roots.isEmpty else { return }
        watched[number] = nil
        Inotify.remove(number, from: instance.raw)
    }

    /// Compares `path`, which is `name` in the folder of `parent`, with its previous state.
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
        // The folder was replaced: compare what both contain; what only the old one contained was removed.
        if stamp.isFolder, !stamp.isSameObject(as: before.stamp) { unwatch(before) }
        before.stamp = stamp
        // A folder without a watch is new, or was missing for a moment.
        if stamp.isFolder, deeply || before.watch == nil { enter(path, before) }
    }

    /// Watches a folder, then looks at everything in it: in this order, so that it misses nothing in between.
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

    /// nil for a folder that is gone or unreadable, or when no watch is left.
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

    /// It was removed, with everything below it.
    private func forget(_ path: String, _ node: TreeNode) {
        changes.append(FileChange(path, .removed))
        unwatch(node)
        for (name, child) in node.children { forget(Self.join(path, name), child) }
    }

    private static func join(_ folder: String, _ name: String) -> String {
        folder == "/" ? "/\(name)" : "\(folder)/\(name)"
    }

    /// Sorted by path. A path that was removed and created again as something else appears twice.
    private static func inOrder(_ changes: [FileChange]) -> [FileChange] {
        var seen: Set<FileChange> = []
        return changes.enumerated()
            .sorted { ($0.element.path, $0.offset) < ($1.element.path, $1.offset) }
            .map(\.element).filter { seen.insert($0).inserted }
    }
}
