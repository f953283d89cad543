import ProjectModel
import YAML

/// The place of an attribute in the loaded files.
package struct AttributePlace: Hashable, Sendable {
    /// As spelled in the file: a limit may be under `deploy` or in the service itself.
    package var path: AttributePath
    package var range: SourceRange
    /// The files that led to it.
    package var notes: [Diagnostic.Note]
}

extension LoadResult {
    /// The place of `path` in the files. If the attribute is in no file (a default, a flag, a value from the image),
    /// the place of the service or element around it; nil if that is in no file either.
    package func place(of path: AttributePath) -> AttributePlace? {
        for spelling in Self.spellings(of: path) {
            guard let found = span(of: spelling[...], in: model), found.depth == spelling.count else { continue }
            return place(found, AttributePath(spelling))
        }
        guard let around = span(of: path.steps[...], in: model), around.depth >= 2 else { return nil }
        return place(around, path)
    }

    private func place(_ found: (span: Span, depth: Int, shown: Int), _ path: AttributePath) -> AttributePlace? {
        // A single step leads only to `networks` or the like, not to an attribute.
        guard found.shown >= 2, let range = sources.range(found.span) else { return nil }
        let isWhole = found.depth == path.steps.count
        let shown = isWhole ? AttributePath(Array(path.steps.prefix(found.shown))) : path
        return AttributePlace(path: shown, range: range, notes: sources.chain(of: found.span))
    }

    /// Follows `steps` as far as possible. Returns the place of the last node that has one, the number of steps to that
    /// node, and the number of steps to the last node. A value in a short form has only the place of the whole, so that
    /// is shown.
    private func span(of steps: ArraySlice<AttributePath.Step>, in root: ComposeNode) -> (
        span: Span, depth: Int, shown: Int
    )? {
        var node = root
        var found = (span: Span.none, depth: 0, shown: 0)
        for step in steps {
            let span: Span
            switch step {
            case .key(let key):
                guard let entry = node.mapping?.entry(key) else { return found.depth > 0 ? found : nil }
                node = entry.value
                span = node.isCollection || node.isNull ? entry.keySpan : node.span
            case .index(let index):
                guard let items = node.sequence, items.indices.contains(index) else { return found }
                node = items[index]
                span = node.span
            }
            found.depth += 1
            // A place without a file belongs to a value that is in no file.
            guard span.file >= 0, span.start != found.span.start else { continue }
            (found.span, found.shown) = (span, found.depth)
        }
        return found
    }

    /// The ways to write one attribute, in the order in which the loader looks for it.
    private static func spellings(of path: AttributePath) -> [[AttributePath.Step]] {
        guard path.steps.count == 3, path.steps[0] == .key("services"), case .key(let name) = path.steps[2],
            let other = deployed[name]
        else { return [path.steps] }
        return [path.steps, path.steps.prefix(2) + other.map { .key($0) }]
    }

    private static let deployed = [
        "cpus": ["deploy", "resources", "limits", "cpus"],
        "mem_limit": ["deploy", "resources", "limits", "memory"],
        "pids_limit": ["deploy", "resources", "limits", "pids"],
        "mem_reservation": ["deploy", "resources", "reservations", "memory"],
        "scale": ["deploy", "replicas"],
    ]
}
