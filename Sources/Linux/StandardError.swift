import Glibc

/// Writes `text` and a newline to standard error in one write.
package func printError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(2, bytes, bytes.count)
}
