import Linux

/// A descriptor that stays open as long as somebody works with it.
package final class HeldDescriptor: Sendable {
    let handle: OwnedFD
    package init(_ handle: consuming OwnedFD) { self.handle = handle }
}
