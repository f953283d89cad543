import Linux

/// A descriptor that lives as long as the work with it.
package final class HeldDescriptor: Sendable {
    let handle: OwnedFD
    package init(_ handle: consuming OwnedFD) { self.handle = handle }
}
