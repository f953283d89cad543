/// Sizes on disk.
package protocol SizeFacet: Sendable {
    /// Bytes that a container has written into its own layer.
    func writableSize(of container: String) async -> Int64
    /// Bytes of all files below a folder; counts a file with several links once.
    func size(ofFolder path: String) async -> Int64
}
