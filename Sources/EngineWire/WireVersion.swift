/// Protocol versions between the programs.
package enum WireVersion {
    /// The product's version.
    package static let product = "0.1.0"
    /// The protocol version of this build, between command line and engine.
    package static let current = 1
    package static let supported = 1...1
}
