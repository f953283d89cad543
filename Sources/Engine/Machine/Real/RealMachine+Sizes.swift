import Glibc
import Linux

/// Sizes on disk.
extension RealMachine {
    package func writableSize(of id: String) async -> Int64 { await size(ofFolder: "\(paths.container(id))/upper") }

    package func size(ofFolder path: String) async -> Int64 { await blocking.runInfallible { sizeOfTree(path) } }
}

/// The sizes of all files below `path`, added up; counts a file with several links once. 0 when there is nothing.
private func sizeOfTree(_ path: String) -> Int64 {
    var sum: Int64 = 0
    var seen: Set<UInt64> = []
    var folders = [path]
    while let folder = folders.popLast() {
        for name in (try? folderEntries(folder)) ?? [] {
            let entry = "\(folder)/\(name)"
            var status = stat()
            guard lstat(entry, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: folders.append(entry)
            case S_IFREG where status.st_nlink == 1 || seen.insert(UInt64(status.st_ino)).inserted:
                sum += Int64(status.st_size)
            default: break
            }
        }
    }
    return sum
}
