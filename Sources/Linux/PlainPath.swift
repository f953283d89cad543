/// Whether `text` leads to something below the folder in which it is looked up, and says so part by part: none is empty, `.` or
/// `..`, and no NUL byte cuts it short.
///
/// By bytes, as the kernel reads it: a mark that combines with the slash before it makes another character of it, not another
/// path.
package func isPlainPath(_ text: some StringProtocol) -> Bool {
    text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8) && !part.contains(0)
    }
}

/// Whether `text` can be the name of one file in a folder.
package func isPlainName(_ text: some StringProtocol) -> Bool {
    isPlainPath(text) && text.utf8.count <= 255 && !text.utf8.contains(UInt8(ascii: "/"))
}
