import Linux

/// Reads files: from the disk, or from memory.
package protocol FileSource: Sendable {
    /// The whole content of the file at an absolute path.
    func read(_ path: String) throws(FileFailure) -> [UInt8]
    /// Whether a file or folder exists.
    func exists(_ path: String) -> Bool
}

/// Why a file could not be read.
package struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        case missing, folder, tooLarge, other
    }

    package let kind: Kind
    /// The kernel's text: "No such file or directory".
    package let reason: String
    package var description: String { reason }

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}

/// The file system, with the permissions of this process.
package struct DiskFiles: FileSource {
    package init() {}

    package func read(_ path: String) throws(FileFailure) -> [UInt8] {
        do throws(SyscallError) {
            return try readFile(path)
        } catch {
            switch error.code {
            case .notFound, .notDirectory: throw FileFailure(.missing, "\(error.code)")
            case .tooLarge: throw FileFailure(.tooLarge, "it has more than \(fileSizeLimit >> 20) MiB")
            case .isDirectory: throw FileFailure(.folder, "\(error.code)")
            default: throw FileFailure(.other, "\(error.code)")
            }
        }
    }

    package func exists(_ path: String) -> Bool { fileExists(path) }
}

/// Files in memory, by absolute path.
package struct MemoryFiles: FileSource {
    package var files: [String: [UInt8]]

    package init(_ files: [String: [UInt8]]) { self.files = files }

    package init(texts: [String: String]) { files = texts.mapValues { Array($0.utf8) } }

    package func read(_ path: String) throws(FileFailure) -> [UInt8] {
        if let bytes = files[path] { return bytes }
        if isFolder(path) { throw FileFailure(.folder, "Is a directory") }
        throw FileFailure(.missing, "No such file or directory")
    }

    package func exists(_ path: String) -> Bool { files[path] != nil || isFolder(path) }

    private func isFolder(_ path: String) -> Bool {
        let prefix = path.hasSuffix("/") ? path : path + "/"
        return files.keys.contains { $0.hasPrefix(prefix) }
    }
}
