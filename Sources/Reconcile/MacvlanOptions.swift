/// The `driver_opts` of a macvlan network, with Docker's names.
package struct MacvlanOptions: Hashable, Sendable {
    package static let parent = "parent"
    package static let mode = "macvlan_mode"
    package static let modes = ["bridge", "private", "vepa", "passthru"]

    /// An interface of the host, or `eth0.10` for VLAN 10 of one; nil: the network leads nowhere.
    package var parent: String?
    /// One of `modes`.
    package var mode: String

    /// Ignores values that cannot be read; `mistakes` reports them before anything is created.
    package init(_ options: [String: String]) {
        parent = options[Self.parent].flatMap { $0.isEmpty ? nil : $0 }
        mode = options[Self.mode].flatMap { Self.modes.contains($0) ? $0 : nil } ?? "bridge"
    }

    static func mistakes(in options: [String: String]) -> [OptionMistake] {
        var mistakes = BridgeOptions.packetSizeMistakes(in: options) + parentMistakes(in: options)
        if let text = options[mode], !text.isEmpty, !modes.contains(text) {
            mistakes.append(.notAmong(modes, mode, text))
        }
        return mistakes
    }

    /// The kernel does not accept this text as the name of an interface.
    static func parentMistakes(in options: [String: String]) -> [OptionMistake] {
        guard let text = options[parent], !text.isEmpty else { return [] }
        let isName =
            text.utf8.count <= 15 && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
        guard !isName else { return [] }
        return [
            OptionMistake(
                option: parent, problem: "\"\(text)\" cannot be an interface's name",
                hint: "`ip link` lists them")
        ]
    }
}
