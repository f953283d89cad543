import YAML

/// Phase 3: substitutes variables in every string value, also in extensions, but not in keys.
struct Interpolation {
    let report: Report
    let environment: [String: String]

    func apply(to node: inout Node) {
        guard node.hasDollar else { return }
        if let text = node.string { node.value = .string(expand(text, at: node.span)) }
        node.updateSequence { nodes in
            for index in nodes.indices where nodes[index].hasDollar {
                report.inside(index) { apply(to: &nodes[index]) }
            }
        }
        node.updateMapping { mapping in
            for index in mapping.entries.indices where mapping.entries[index].value.hasDollar {
                report.inside(mapping.entries[index].key) { mapping.update(at: index) { apply(to: &$0) } }
            }
        }
    }

    func expand(_ text: String, at span: Span) -> String {
        let report = report
        do throws(Template.Failure) {
            return try Template.expand(text) {
                environment[$0]
            } unset: { reference in
                report.unset(reference.name, at: report.sources.narrow(span, to: reference.fragment))
                report.takeAsEmptied(span, by: reference.name)
            }
        } catch {
            describe(error, at: span)
            report.leaveUnexpanded(span)
            return text
        }
    }

    private func describe(_ failure: Template.Failure, at span: Span) {
        switch failure {
        case .invalid(let rest):
            let fragment = rest.prefix(80).prefix { $0 != "\n" }
            let end = fragment.firstIndex(of: "}").map { fragment.index(after: $0) } ?? fragment.endIndex
            report.error(
                report.sources.narrow(span, to: String(fragment[..<end])),
                "'\(fragment[..<end])' is not a valid substitution",
                hint: fragment.hasPrefix("${") && !fragment.contains("}")
                    ? "close it with '}'; a literal $ is written $$"
                    : "write ${NAME} or ${NAME:-default}; a literal $ is written $$")
        case .required(let name, let message, let fragment):
            report.error(
                report.sources.narrow(span, to: fragment),
                "the variable \(name) is required" + (message.isEmpty ? "" : ": \(message)"),
                hint: "set it in the environment or in .env")
        }
    }
}
