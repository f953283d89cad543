import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI

// What ADD has beyond COPY: URLs and archives.
extension StepWork {
    struct Fetched: Sendable {
        var name: String
        var path: String
        var digest: Digest
        var modified: Int64?
    }

    func download(_ step: CopyStep, into folder: String) async throws -> [Fetched] {
        var result: [Fetched] = []
        for (index, url) in step.urls.enumerated() {
            let path = "\(folder)/download\(index)"
            let found = try await parts.host.download(url, to: path)
            let digest = try await parts.pool.run { try fileDigest(path) }
            if let wanted = step.checksum, wanted != "\(digest)" {
                throw mistake("\(url) has the digest \(digest), and --checksum says \(wanted)", code: .digestMismatch)
            }
            let bare = url.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").dropFirst(2).last.map(String.init)
            result.append(Fetched(name: bare ?? "", path: path, digest: digest, modified: found.modified))
        }
        return result
    }

    func add(
        _ download: Fetched, _ step: CopyStep, _ owner: Ownership?, _ composer: LayerComposer, _ folder: String
    ) throws {
        var target = try composer.resolve(step.destination)
        let head = try openFile(download.path, O_RDONLY).readBeginning(512)
        if step.unpacks == true, ArchiveContent.isArchive(head) {
            return try unpack(download.path, to: target, step, owner, composer, folder)
        }
        let isThere = try composer.isFolder(target) == true
        if step.destination.hasSuffix("/") || step.hasSeveralSources || isThere {
            guard !download.name.isEmpty else {
                throw mistake("the URL has no file name", hint: "give the destination a name: ADD URL /path/name")
            }
            target = CopyPlan.join(target, download.name)
        }
        let mode = step.mode.flatMap { FileModes($0) }?.applied(to: 0o600, isFolder: false) ?? 0o600
        let file = try openFile(download.path, O_RDONLY)
        try composer.makeFile(
            target,
            .init(mode: mode, owner: owner ?? Ownership(user: 0, group: 0), modified: download.modified ?? now)
        ) { try copy(file, to: $0) }
    }

    /// Unpacks an archive in a folder of its own, and copies what was in it.
    func unpack(
        _ path: String, to target: String, _ step: CopyStep, _ owner: Ownership?, _ composer: LayerComposer,
        _ folder: String
    ) throws {
        let unpacked = "\(path).unpacked"
        try makeFolders(unpacked)
        try parts.images.unpackArchive(path, into: unpacked)
        let tree = try LayerTree([unpacked])
        let matches = try SourceMatcher(tree).matches(SourceQuery(patterns: ["/"])).flatMap { $0 }
        let plan = CopyPlan(matches, to: target, isFolder: true, keepsParents: false)
        for placement in plan.placements {
            let attributes = attributes(of: placement, step, owner, keepsOwner: true)
            if placement.entry.kind == .file {
                guard let file = try tree.stack.find(placement.source, following: false) else { continue }
                try composer.copyFile(file, to: placement.path, attributes)
            } else {
                try place(placement, attributes, composer)
            }
        }
    }
}

/// The digest of the file at `path`.
private func fileDigest(_ path: String) throws -> Digest {
    let file = try openFile(path, O_RDONLY)
    var hasher = DigestHasher()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { buffer.deallocate() }
    while true {
        let count = try file.read(into: buffer)
        if count == 0 { return hasher.finish() }
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}
