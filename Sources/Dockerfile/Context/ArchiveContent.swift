/// Recognises archives, which ADD unpacks and which may be a context, by their first bytes.
package enum ArchiveContent {
    /// `head` are the first 512 bytes, or all there are.
    package static func isArchive(_ head: [UInt8]) -> Bool {
        let magics: [[UInt8]] = [
            [0x1F, 0x8B, 0x08], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], Array("BZh".utf8),
        ]
        if magics.contains(where: { head.starts(with: $0) }) { return true }
        return head.count >= 263 && head[257..<262].elementsEqual("ustar".utf8)
    }
}
