import YAML

/// Checks the `test` of a health check: whether the rest fits its first word.
struct HealthTest {
    let report: Report

    func check(_ test: Node) {
        if let text = test.string { return checkText(text, test.span) }
        guard let items = test.sequence, let first = items.first, let word = first.string else { return }
        switch word {
        case "CMD", "CMD-SHELL":
            // Most tests are fine; return early to avoid copies.
            if word == "CMD", items.count > 2, items[1].string?.isEmpty == false { return }
            checkCommand(word, items.dropFirst().compactMap(\.string), items)
        case "NONE": return
        default:
            report.inside(0) {
                report.error(
                    first.span, "a health check's test starts with \"CMD\", \"CMD-SHELL\" or \"NONE\", found '\(word)'",
                    hint: advice(word, items.compactMap(\.string)))
            }
        }
    }

    private func advice(_ word: String, _ words: [String]) -> String {
        for kind in ["CMD-SHELL", "CMD"] where word.hasPrefix(kind + " ") {
            return "write [CMD-SHELL, \"\(word.dropFirst(kind.utf8.count + 1))\"]"
        }
        if ["CMD", "CMD-SHELL", "NONE"].contains(word.uppercased()) {
            return "write \(word.uppercased()), in capitals"
        }
        if let meant = nearest(to: word, among: ["CMD", "CMD-SHELL", "NONE"]), word.uppercased() == word {
            return "did you mean '\(meant)'?"
        }
        if words.count == 1, word.contains(" ") { return "for a command of the shell: [CMD-SHELL, \"\(word)\"]" }
        return
            "for a command without a shell: [CMD, \(words.prefix(4).joined(separator: ", "))\(words.count > 4 ? ", …" : "")]"
    }

    private func checkCommand(_ kind: String, _ words: [String], _ items: [Node]) {
        guard let command = words.first, !command.isEmpty else {
            return report.error(
                items[0].span, "no command follows \(kind)", hint: "write [CMD, pg_isready], or `disable: true`")
        }
        if kind == "CMD", words.count == 1, command.contains(" "), !command.hasPrefix("/") {
            report.warning(
                items[1].span, "CMD uses no shell: this whole text is the name of the program",
                hint: "write [CMD-SHELL, \"\(command)\"], or each word as an item")
        } else if kind == "CMD-SHELL", words.count > 1 {
            report.warning(
                items[2].span,
                "the shell runs only the first text: '\(words[1].prefix(40))' is not part of the command",
                hint: "write one text after CMD-SHELL, or [CMD, …] for words")
        }
    }

    /// A single text is a shell command as a whole.
    private func checkText(_ text: String, _ span: Span) {
        for kind in ["CMD-SHELL", "CMD", "NONE"] where text == kind || text.hasPrefix(kind + " ") {
            let rest = text.dropFirst(kind.utf8.count + 1)
            report.error(
                span, "a test that is one text runs in a shell, and '\(kind)' is not a command",
                hint: rest.isEmpty ? "write [\(kind)\(kind == "NONE" ? "" : ", …")]" : "write `test: \(rest)`")
            return
        }
        if text.hasPrefix("["), text.hasSuffix("]"), text.contains("CMD") {
            report.error(span, "a list in quotes is one text", hint: "remove the quotes around the list")
        }
    }
}
