import Glibc
import Linux

/// An archive of a root file system with busybox alone, made once for all worlds.
enum BusyboxImage {
    private static let made = Result { try make() }

    static var archive: String { get throws { try made.get() } }

    private static var folder: String { "/tmp/berth-tests-busybox-\(getpid())" }

    private static func make() throws -> String {
        try removeTree(folder)
        // All stories use it: it goes with the program.
        atexit { try? removeTree(BusyboxImage.folder) }
        let root = "\(folder)/root"
        for name in ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var", "seeded"] {
            try makeFolders("\(root)/\(name)")
        }
        chmod("\(root)/tmp", 0o1777)
        try writeFileAtomically("\(root)/seeded/file", Array("from the image\n".utf8), mode: 0o644)
        try writeFileAtomically("\(root)/bin/busybox", try readFile("/bin/busybox"), mode: 0o755)
        try writeFileAtomically(
            "\(root)/etc/passwd",
            Array("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n".utf8), mode: 0o644)
        try writeFileAtomically("\(root)/etc/group", Array("root:x:0:\nnogroup:x:65534:\n".utf8), mode: 0o644)
        let script = """
            for name in $(bin/busybox --list); do [ "$name" = busybox ] || ln -s busybox bin/$name; done
            tar --owner=0 --group=0 --numeric-owner -cf ../busybox.tar .
            """
        let pid = try spawnProcess(
            "/bin/sh", arguments: ["sh", "-ec", script], environment: ["PATH=/usr/bin:/bin"], folder: root,
            descriptors: [2: STDERR_FILENO])
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        guard status == 0 else { throw ProgramFailure(description: "cannot make the busybox archive") }
        try removeTree(root)
        return "\(folder)/busybox.tar"
    }
}
