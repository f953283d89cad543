/// The `driver_opts` of an ipvlan network, with Docker's names.
package struct IpvlanOptions: Hashable, Sendable {
    package static let parent = MacvlanOptions.parent
    package static let mode = "ipvlan_mode"
    package static let reach = "ipvlan_flag"
    package static let modes = ["l2", "l3", "l3s"]
    package static let reaches = ["bridge", "private", "vepa"]

    /// The same as for a macvlan network.
    package var parent: String?
    /// One of `modes`.
    package var mode: String
    /// One of `reaches`.
    package var reach: String

    /// Ignores values that cannot be read; `mistakes` reports them before anything is created.
    package init(_ options: [String: String]) {
        parent = options[Self.parent].flatMap { $0.isEmpty ? nil : $0 }
        mode = options[Self.mode].flatMap { Self.modes.contains($0) ? $0 : nil } ?? "l2"
        reach = options[Self.reach].flatMap { Self.reaches.contains($0) ? $0 : nil } ?? "bridge"
    }

    static func mistakes(in options: [String: String]) -> [OptionMistake] {
        var mistakes = BridgeOptions.packetSizeMistakes(in: options) + MacvlanOptions.parentMistakes(in: options)
        for (option, words) in [(mode, modes), (reach, reaches)] {
            guard let text = options[option], !text.isEmpty, !words.contains(text) else { continue }
            mistakes.append(.notAmong(words, option, text))
        }
        return mistakes
    }
}
