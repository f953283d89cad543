/// Colours and weights of a terminal (ECMA-48, "select graphic rendition"), or none.
package struct Style: Hashable, Sendable {
    package enum Tone: String, Sendable {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case magenta = "35"
        case cyan = "36"
        case bold = "1"
        case faint = "2"
        case boldRed = "1;31"
        case boldGreen = "1;32"
        case boldYellow = "1;33"
        case boldBlue = "1;34"
        case boldMagenta = "1;35"
        case boldCyan = "1;36"
    }

    package let isColoured: Bool

    package init(isColoured: Bool) { self.isColoured = isColoured }

    package func callAsFunction(_ tone: Tone?, _ text: String) -> String {
        guard isColoured, let tone, !text.isEmpty else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    /// The prefix colours of services, in docker compose's order.
    package static let palette: [Tone] = [
        .cyan, .yellow, .green, .magenta, .blue, .boldCyan, .boldYellow, .boldGreen, .boldMagenta, .boldBlue,
    ]

    /// The colour of a service, the same in every verb and run: by its position among the project's services, or else
    /// by its name.
    package static func tone(of service: String, among services: [String]) -> Tone {
        if let index = services.sorted().firstIndex(of: service) { return palette[index % palette.count] }
        // FNV-1a, because Swift's own hash differs in each run.
        let hash = service.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return palette[Int(hash % UInt32(palette.count))]
    }
}

/// `--ansi`.
package enum AnsiMode: String, CaseIterable, Sendable { case auto, always, never }

extension Style {
    /// `NO_COLOR` (no-color.org) overrides `auto`, but not `always`.
    package init(_ mode: AnsiMode, isTerminal: Bool, environment: [String: String]) {
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        switch mode {
        case .always: self.init(isColoured: true)
        case .never: self.init(isColoured: false)
        case .auto: self.init(isColoured: isTerminal && !refused && environment["TERM"] != "dumb")
        }
    }
}
