/// How much is stored.
package protocol SizeFacet: Sendable {
    /// Bytes that a container has written into its own layer.
    func writableSize(of container: String) async -> Int64
    /// Bytes of all files below a folder, each counted once.
    func size(ofFolder path: String) async -> Int64
}
