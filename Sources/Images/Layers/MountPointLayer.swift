import Glibc
import Linux

/// The files and folders that every container needs and an image lacks, as a layer above the image's: mount points, and what
/// programs expect in a container of Docker's. All containers of the image share it: none has to make them in its own layer.
struct MountPointLayer {
    private static let folders = ["dev", "proc", "sys"]
    private static let mark = ".dockerenv"
    private static let files = ["hosts", "hostname", "resolv.conf"]  // in /etc

    private let stack: LayerStack
    private let copy: TreeCopy

    /// `lower` are the layers of the image, top first.
    init(below lower: [String]) throws(SyscallError) {
        stack = try LayerStack(lower)
        copy = TreeCopy(stack)
    }

    /// Fills the empty folder `path`. Where the image has a link on the way, the runtime has to follow it at each start, and nothing
    /// is made here. Sleeps: run it on a `BlockingPool`.
    func write(to path: String) throws {
        let root = try openFile(path, O_RDONLY | O_DIRECTORY)
        // By this file programs know that they are in a container.
        if try stack.find(Self.mark, following: false) == nil { try makeFile(Self.mark, mode: 0o755, in: root) }
        for name in Self.folders where try stack.find(name, following: false) == nil { try makeFolder(name, in: root) }
        let etc = try stack.find("etc", following: false)
        let missing = try Self.files.filter { try stack.find("etc/\($0)", following: false) == nil }
        if !missing.isEmpty, etc?.isFolder ?? true {
            try makeFolder("etc", in: root)
            let folder = try root.openEntry("etc", O_RDONLY | O_DIRECTORY)
            for name in missing { try makeFile(name, mode: 0o644, in: folder) }
            if try stack.find("etc/mtab", following: false) == nil {
                try folder.makeSymbolicLink("mtab", to: "/proc/mounts")
            }
            if let etc { try describe(folder, like: etc) }
        }
        if let found = try stack.find(".") { try describe(root, like: found) }
    }

    private func makeFile(_ name: String, mode: mode_t, in folder: borrowing OwnedFD) throws {
        let file = try folder.openEntry(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try file.setMode(mode)
    }

    private func makeFolder(_ name: String, in root: borrowing OwnedFD) throws {
        try root.makeFolder(name)
        try root.setMode(of: name, 0o755)
    }

    /// Overlayfs shows the owner, mode, attributes and times that a folder has in its top layer.
    private func describe(_ folder: borrowing OwnedFD, like found: LayerStack.Found) throws {
        guard let top = found.layers.first else { return }
        try copy.describe(folder, like: top.handle, found.status)
    }
}
