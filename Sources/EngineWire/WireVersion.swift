/// Versions of what the programs say to each other.
package enum WireVersion {
    /// The product's version.
    package static let product = "0.1.0"
    /// The protocol between the command line and the engine that this build speaks.
    package static let current = 1
    package static let supported = 1...1
}
