import Glibc
import Linux
import Tar

/// The first argument for the engine's program when the command line starts it to pack or unpack files of its own user:
/// `pack FOLDER NAME AS` writes a tar to descriptor 1, `unpack FOLDER OWNERS` reads one from descriptor 0.
package let copyHelperVerb = "copy-helper"

/// The main function of a helper, which has the permissions of its caller. `main` calls it first.
/// - Returns: The exit status; 1 after an error, which is on descriptor 2.
package func runCopyHelper() -> Int32 {
    let arguments = Array(CommandLine.arguments.dropFirst(2))
    signal(SIGPIPE, SIG_IGN)
    do {
        switch (arguments.first, arguments.count) {
        case ("pack", 4): try packOwn(arguments[1], arguments[2], as: arguments[3])
        case ("unpack", 3): try unpackOwn(into: arguments[1], keepsOwners: arguments[2] == "owners")
        default: throw FileFailure(.failed, "not for people")
        }
        return 0
    } catch {
        let failure = FileFailure(error)
        if failure.reason != .readerGone { printError("\(failure)") }
        return 1
    }
}

/// An empty name means only the content of the folder.
private func packOwn(_ folder: String, _ name: String, as target: String) throws {
    let parent = try openFile(folder, O_RDONLY | O_DIRECTORY)
    let tar = TarWriter(to: 1)
    let packer = LayerPacker(tar, opaque: [], .live(empty: []))
    if name.isEmpty {
        try packer.packFolder(parent, as: target)
    } else {
        guard let status = try parent.status(of: name) else {
            throw FileFailure(.notFound, "no such file or folder: \(folder)/\(name)")
        }
        try packer.pack(name, status, in: parent, target)
    }
    try tar.finish()
}

private func unpackOwn(into folder: String, keepsOwners: Bool) throws {
    TarReader.prepare()
    var placement = Placement()
    placement.keepsKinds = true
    placement.keepsOwners = keepsOwners
    try placeFiles(0, into: openFile(folder, O_RDONLY | O_DIRECTORY), placement)
}
