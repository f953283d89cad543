import Glibc
import Images
import Linux
import OCI
import Testing

@Suite(.enabled(if: isPrivileged)) struct FullDiskTests {
    /// Gives `body` a store on a disk of 4 MiB.
    private func withSmallDisk(_ body: (ImageStore, String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let disk = "\(folder)/disk"
            try makeFolders(disk)
            try mountFileSystem("tmpfs", at: disk, type: "tmpfs", flags: 0, options: "size=4m")
            defer { try? unmountFileSystem(disk) }
            try await body(try makeStore("\(disk)/store"), "\(disk)/store")
        }
    }

    @Test(arguments: [2_500_000, 6_000_000])
    func anImportThatDoesNotFitLeavesNothingAndSaysSo(_ size: Int) async throws {
        try await withSmallDisk { store, root in
            let kept = try await store.importArchive(from: stream(baseLayer), reference: Reference("kept"))
            // The smaller one fits as an archive, and then has no room to be unpacked.
            let large = TarWriter.archive { $0.add("f", data: [UInt8](repeating: 7, count: size)) }
            let error = await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(large), reference: Reference("large"))
            }
            expectText(error, has: "no space left on the disk")
            let remains = try folderEntries("\(root)/content/ingest")
            #expect(remains == [])
            #expect(try folderEntries("\(root)/snapshots") == [kept.chainIDs[0].hex, "empty"].sorted())
            #expect(try folderEntries("\(root)/content/blobs/sha256").count == 3)
            #expect(try await store.resolve("kept") == kept)
        }
    }

    @Test func aPullThatDoesNotFitLeavesNothingAndSaysSo() async throws {
        let large = TarWriter.archive { $0.add("f", data: [UInt8](repeating: 7, count: 6_000_000)) }
        let served = try ServedImage("a", tag: "1", layers: [baseLayer, large])
        let registry = try ScriptedRegistry { served.answer($0) }
        try await withSmallDisk { store, root in
            try await registry.serve { address in
                let error = await #expect(throws: ImageError.self) { try await store.pull(Reference("\(address)/a:1")) }
                expectText(error, has: "no space left on the disk")
                let remains = try folderEntries("\(root)/content/ingest")
                #expect(remains == [])
                #expect(try folderEntries("\(root)/snapshots") == ["empty"])
                #expect(try folderEntries("\(root)/content/blobs/sha256") == [])
            }
        }
    }
}
