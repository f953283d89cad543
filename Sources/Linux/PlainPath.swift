/// Whether `text` leads to something below the folder in which it is resolved: no part is empty, `.` or `..`, and there
/// is no NUL byte.
///
/// It compares bytes, like the kernel: a combining mark after a slash forms another character with it, but not another
/// path.
package func isPlainPath(_ text: some StringProtocol) -> Bool {
    text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8) && !part.contains(0)
    }
}

/// Whether `text` can be the name of a file in a folder.
package func isPlainName(_ text: some StringProtocol) -> Bool {
    isPlainPath(text) && text.utf8.count <= 255 && !text.utf8.contains(UInt8(ascii: "/"))
}
