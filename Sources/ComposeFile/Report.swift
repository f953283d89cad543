import ProjectModel
import YAML

/// Collects the problems that one load finds, each with its attribute path.
///
/// A class, because every phase of a load writes into the same report. A load runs on one thread and does not share it.
final class Report {
    private typealias Part = AttributePath.Step

    /// The maximum number of diagnostics: more would help nobody, and a hostile file could use up memory.
    private static let limit = 500

    var sources = SourceMap()
    private(set) var diagnostics: [Diagnostic] = []
    /// Counts all errors, also those that are not kept.
    private(set) var errorCount = 0
    /// The current position of the walk. Unchecked: it changes with every node, and only in `inside`, which never
    /// overlaps itself.
    @exclusivity(unchecked) private var path: [Part] = []
    /// The variables without a value, and the position of each in the list.
    private var unset: (all: [UnsetVariable], positions: [String: Int]) = ([], [:])
    /// Returns a hint how to set variables with these names.
    var adviceForUnset: (_ names: [String]) -> String = UnsetVariable.advice
    /// Paths of attributes that are wrong or misspelt. Do not report what follows from them.
    private var wrong: Set<String> = []
    /// Paths and places of values with a failed substitution. Their content means nothing.
    private var unexpanded: (paths: Set<String>, spans: Set<Span>) = ([], [])
    /// The starts of values that swallowed text meant for something else.
    private var swallowed: Set<Span> = []
    /// Findings, by number, that are hidden if something else is wrong at one of these places.
    private var consequences: [(index: Int, causes: [Span], element: String?)] = []
    /// Problems that matter for `up`, but not for looking at the project.
    private(set) var deferred: [Diagnostic] = []
    /// The variable without a value that went into a value.
    private var emptied: [Span: String] = [:]
    /// A part of the project could not be read, so something that seems to be missing may be in there.
    private(set) var isIncomplete = false

    // MARK: Paths

    @inline(__always)
    func inside<Result>(_ key: String, _ body: () -> Result) -> Result {
        path.append(.key(key))
        defer { path.removeLast() }
        return body()
    }

    @inline(__always)
    func inside<Result>(_ index: Int, _ body: () -> Result) -> Result {
        path.append(.index(index))
        defer { path.removeLast() }
        return body()
    }

    /// Runs `body` for another file: its findings have paths from the root of that file.
    func atRoot<Result>(_ body: () -> Result) -> Result {
        let outer = goToRoot()
        defer { goBack(to: outer) }
        return body()
    }

    /// The same, where a closure would keep a reference to a tree that must be changed in place.
    func goToRoot() -> [AttributePath.Step] {
        let outer = path
        path = []
        return outer
    }

    func goBack(to outer: [AttributePath.Step]) { path = outer }

    /// `services.web.ports[1]`; a key that is not a plain name is in brackets and quotes.
    var pathText: String? { path.isEmpty ? nil : Self.text(path) }

    private static func text(_ path: some Sequence<Part>) -> String { AttributePath(Array(path)).description }

    /// The same; without a number if the file has no list.
    func inside<Result>(_ index: Int?, _ body: () -> Result) -> Result {
        index.map { inside($0, body) } ?? body()
    }

    // MARK: Findings

    var hasErrors: Bool { errorCount > 0 }

    /// Further findings are dropped, so callers need not compute hints.
    var isFull: Bool { diagnostics.count >= Self.limit }

    func error(_ span: Span, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []) {
        add(.error, span, message, hint, notes)
    }

    func warning(_ span: Span, _ message: String, hint: String? = nil, notes: [Diagnostic.Note] = []) {
        add(.warning, span, message, hint, notes)
    }

    func note(_ message: String, _ span: Span) -> Diagnostic.Note {
        Diagnostic.Note(message: message, place: sources.range(span))
    }

    /// A YAML problem; `steps` lead to it from the root of the file.
    func add(_ problem: Problem, at steps: [(key: String?, index: Int)]) {
        let notes = problem.other.map { [note($0.message, $0.span)] } ?? []
        let number = diagnostics.count
        let outer = path
        path = steps.map { step in step.key.map { .key($0) } ?? .index(step.index) }
        if let key = problem.key { path.append(.key(key)) }
        error(problem.span, problem.message, hint: problem.hint, notes: notes)
        path = outer
        if let span = problem.swallowed { swallowed.insert(span.start) }
        guard diagnostics.count > number else { return }
        diagnostics[number].endsReading = problem.endsReading
        if !problem.causes.isEmpty { consequences.append((number, problem.causes, nil)) }
    }

    /// A text that does not fit its grammar. If a variable without a value caused it, or if it works on other systems,
    /// it is an error only for `up`.
    func add(_ fault: TextGrammar.Fault, at span: Span, worksElsewhere: Bool = false) {
        if unexpanded.spans.contains(span) || swallowed.contains(span.start) { return }
        let place = fault.fragment.map { sources.narrow(span, to: $0) } ?? span
        if fault.isHarmless { return warning(place, fault.message, hint: fault.hint) }
        let variable = emptied[span]
        guard variable != nil || worksElsewhere else { return error(place, fault.message, hint: fault.hint) }
        if isFull { return }
        let notes = variable.map { [note("the variable \($0) is not set", sources.narrow(span, to: $0))] } ?? []
        deferred.append(
            Diagnostic(
                .error, at: sources.range(place), fault.message, hint: fault.hint, path: pathText,
                notes: notes + sources.chain(of: span)))
    }

    /// Hides the findings of `body` when the element with this name, such as `services.web`, is wrong itself.
    func following(from element: String, _ name: String, _ body: () -> Void) {
        let before = diagnostics.count
        body()
        let text = Self.text([.key(element), .key(name)])
        for index in before..<diagnostics.count { consequences.append((index, [], text)) }
    }

    /// A variable without a value, replaced by "". All of them give one warning.
    func unset(_ name: String, at place: @autoclosure () -> Span) {
        if let index = unset.positions[name] {
            guard unset.all[index].uses.count <= UnsetVariable.shownUses else { return }
            if let range = sources.range(place()), !unset.all[index].uses.contains(range) {
                unset.all[index].uses.append(range)
            }
            return
        }
        guard unset.all.count < Self.limit else { return }
        let span = place()
        unset.positions[name] = unset.all.count
        unset.all.append(
            UnsetVariable(
                name: name, uses: sources.range(span).map { [$0] } ?? [], path: pathText, chain: sources.chain(of: span)
            ))
    }

    private func add(
        _ severity: Diagnostic.Severity, _ span: Span, _ message: String, _ hint: String?, _ notes: [Diagnostic.Note]
    ) {
        let path = pathText
        var notes = notes
        if severity == .error {
            if unexpanded.spans.contains(span) || path.map(unexpanded.paths.contains) ?? false { return }
            if !swallowed.isEmpty, swallowed.contains(span.start) {
                if let path { wrong.insert(path) }
                return
            }
            errorCount += 1
            if let variable = emptied[span] {
                notes.append(note("the variable \(variable) is not set", sources.narrow(span, to: variable)))
            }
        }
        guard !isFull else { return }
        if severity == .error, let path { wrong.insert(path) }
        diagnostics.append(
            Diagnostic(
                severity, at: sources.range(span), message, hint: hint, path: path,
                notes: notes + sources.chain(of: span)))
    }

    /// How many more names "did you mean" may compare: errors times names can be a large number.
    private var namesLeft = 100_000

    /// The similar name that was probably meant; nil when none is similar, and when the limit of comparisons is
    /// reached.
    func likely(_ word: String, among names: @autoclosure () -> [String]) -> String? {
        guard !isFull, namesLeft > 0 else { return nil }
        let names = names()
        namesLeft -= names.count
        return nearest(to: word, among: names)
    }

    // MARK: Consequences

    /// Something else that is wrong was meant to be the attribute `name` at the current position, or of the file.
    func excuse(_ name: String) { if !isFull { wrong.insert(Self.text(path.dropLast() + [.key(name)])) } }

    /// The attribute `name` at the current position may be in the part that could not be read.
    func excuse(inside name: String) { if !isFull { wrong.insert(Self.text(path + [.key(name)])) } }

    /// The attribute `name` at the current position is wrong, so do not report it as missing.
    func isWrong(_ name: String) -> Bool { !wrong.isEmpty && wrong.contains(Self.text(path + [.key(name)])) }

    /// The same for a nested attribute: `deploy.replicas`.
    func isWrong(path names: String) -> Bool {
        guard !wrong.isEmpty else { return false }
        return wrong.contains(Self.text(path) + "." + names)
    }

    /// The element around the current attribute: `volumes` at `volumes.data.x`.
    var elementOfAttribute: String? {
        guard path.count == 3, case .key(let element) = path[0] else { return nil }
        return element
    }

    /// `name` is in the wrong place and may be meant as a member of `element`, so do not report it as missing.
    func excuse(_ name: String, of element: String) { if !isFull { wrong.insert("\(element).\(name)") } }

    /// Something else that is wrong may be meant as this element of the file.
    func excuse(element: String) { if !isFull { wrong.insert(element) } }

    /// The value at `span` is wrong as a whole: report nothing more about it.
    func silence(_ span: Span) { if !isFull { swallowed.insert(span.start) } }

    /// An element of the file itself, or a member of one, such as `services.web`, is wrong.
    func isWrong(element: @autoclosure () -> String) -> Bool { !wrong.isEmpty && wrong.contains(element()) }

    /// The value at `span`, the current position, stays as written, because its substitution failed and was reported.
    func leaveUnexpanded(_ span: Span) {
        unexpanded.spans.insert(span)
        if let pathText { unexpanded.paths.insert(pathText) }
    }

    /// The value at `span` contains a variable without a value.
    func takeAsEmptied(_ span: Span, by variable: String) { if !isFull { emptied[span] = variable } }

    /// A part of the project could not be read.
    func markIncomplete() { isIncomplete = true }

    /// The findings, without those that follow from others.
    private var withoutConsequences: [Diagnostic] {
        var explained: Set<Int> = []
        for end in diagnostics where end.endsReading {
            guard let place = end.place else { continue }
            // The rest of the file was not read as its author meant it.
            for (index, other) in diagnostics.enumerated() where other.severity == .error && !other.endsReading {
                if other.place?.file == place.file, other.place?.line ?? 0 >= place.line { explained.insert(index) }
            }
        }
        guard !consequences.isEmpty || !explained.isEmpty else { return diagnostics }
        var left = diagnostics
        for (index, causes, element) in consequences {
            let places = causes.compactMap { sources.range($0)?.description }
            let isExplained = diagnostics.indices.contains { other in
                other != index && diagnostics[other].severity == .error
                    && diagnostics[other].place.map { places.contains($0.description) } ?? false
            }
            if isExplained || element.map(wrong.contains) ?? false { explained.insert(index) }
        }
        for index in explained.sorted().reversed() where left.indices.contains(index) { left.remove(at: index) }
        return left
    }

    /// The findings in the order of output.
    var sorted: [Diagnostic] { sorted(withoutConsequences + unsetWarning) }

    /// Diagnostics of these files in the order of output.
    func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        if diagnostics.isEmpty { return [] }
        var rank: [String: Int] = [:]
        for (index, file) in sources.files.enumerated() where rank[file.name] == nil { rank[file.name] = index }
        return Diagnostic.sorted(diagnostics, rank: rank)
    }

    private var unsetWarning: [Diagnostic] {
        unset.all.isEmpty ? [] : [UnsetVariable.warning(unset.all, hint: adviceForUnset(unset.all.map(\.name)))]
    }
}

extension Node {
    /// A node that the loader adds, with the place of the node that it comes from.
    static func text(_ text: String, at span: Span) -> Node { Node(.string(text), at: span) }

    static func members(_ members: [(String, Node)], at span: Span) -> Node {
        var mapping = Mapping(capacity: members.count)
        for (key, value) in members { mapping.append(Mapping.Entry(key: key, keySpan: span, value: value)) }
        return Node(.mapping(mapping), at: span)
    }

    /// A mapping or a list. Declared here, because inlining within a module avoids a copy when it reads the kind.
    @inline(__always) var isCollection: Bool {
        switch value {
        case .mapping, .sequence: true
        default: false
        }
    }

    @inline(__always) var isMapping: Bool {
        guard case .mapping = value else { return false }
        return true
    }

    /// The node has one of Compose's tags.
    @inline(__always) var isTagged: Bool {
        guard case .none = tag else { return true }
        return false
    }

    /// The strings of a list, without other items.
    var texts: [String] {
        guard case .sequence(let nodes) = value else { return [] }
        var texts: [String] = []
        texts.reserveCapacity(nodes.count)
        for index in nodes.indices {
            if case .string(let text) = nodes[index].value { texts.append(text) }
        }
        return texts
    }
}
