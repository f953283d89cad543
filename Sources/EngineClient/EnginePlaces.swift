/// Where the engine of a root folder stores its state, and where it listens.
package struct EnginePlaces: Hashable, Sendable {
    package let root: String
    package let run: String

    /// `BERTH_ROOT` and `BERTH_RUN`, or else the machine's own engine.
    package init(environment: [String: String]) {
        root = Self.folder(environment["BERTH_ROOT"]) ?? "/var/lib/berth"
        run = Self.folder(environment["BERTH_RUN"]) ?? "/run/berth"
    }

    package var socket: String { "\(run)/berthd.sock" }
    package var log: String { "\(run)/berthd.log" }

    private static func folder(_ text: String?) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return text
    }
}
