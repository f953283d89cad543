import ProjectModel
import YAML

/// Collects what one load finds wrong, with the attribute path at which it stands.
///
/// A class because every phase of a load writes into the same one; a load runs on one thread and shares it with nobody.
final class Report {
    private typealias Part = AttributePath.Step

    /// More than so many help nobody and would let a hostile file use memory.
    private static let limit = 500

    var sources = SourceMap()
    private(set) var diagnostics: [Diagnostic] = []
    /// All of them, those too that are not kept.
    private(set) var errorCount = 0
    /// Where the walk is. Unchecked: it changes with every node of a walk, and only in `inside`, which never overlaps itself.
    @exclusivity(unchecked) private var path: [Part] = []
    private var unset: [String: Int] = [:]
    /// Paths of attributes that are wrong or misspelt: what follows from that is no news.
    private var wrong: Set<String> = []
    /// Paths and places of values in which a substitution failed: what they hold says nothing.
    private var unexpanded: (paths: Set<String>, spans: Set<Span>) = ([], [])
    /// Where values begin that swallowed text meant for something else.
    private var swallowed: Set<Span> = []
    /// Findings, by their number, that only follow when something else is wrong at a place.
    private var consequences: [(index: Int, causes: [Span])] = []
    /// The variable without a value that a value was made with.
    private var emptied: [Span: String] = [:]
    /// A part of the project could not be read: what seems to be missing may stand there.
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

    /// `services.web.ports[1]`; a key that is no plain name stands in brackets and quotes.
    var pathText: String? { path.isEmpty ? nil : Self.text(path) }

    private static func text(_ path: some Sequence<Part>) -> String { AttributePath(Array(path)).description }

    // MARK: Findings

    var hasErrors: Bool { errorCount > 0 }

    /// Further findings are not kept, so nobody has to work out their hints.
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

    func add(_ problem: Problem) {
        let notes = problem.other.map { [note($0.message, $0.span)] } ?? []
        let number = diagnostics.count
        error(problem.span, problem.message, hint: problem.hint, notes: notes)
        if let span = problem.swallowed { swallowed.insert(span.start) }
        if !problem.causes.isEmpty, diagnostics.count > number { consequences.append((number, problem.causes)) }
    }

    /// A variable without a value, for which "" was taken: one warning a name.
    func unset(_ name: String, at place: @autoclosure () -> Span) {
        if let index = unset[name] {
            guard diagnostics[index].notes.count < 3 else { return }
            let span = place()
            if let place = sources.range(span), place != diagnostics[index].place {
                diagnostics[index].notes.append(Diagnostic.Note(message: "also used here", place: place))
            }
            return
        }
        guard !isFull else { return }
        let count = diagnostics.count
        warning(
            place(), "the variable \(name) is not set: an empty string is taken",
            hint: "set it in the environment or in .env, or give a default: ${\(name):-…}")
        if diagnostics.count > count { unset[name] = count }
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

    /// How many names are still looked at for "did you mean": errors times names can be a lot.
    private var namesLeft = 100_000

    /// The name that was meant; nil when none is near, and once very many have been looked at.
    func likely(_ word: String, among names: @autoclosure () -> [String]) -> String? {
        guard !isFull, namesLeft > 0 else { return nil }
        let names = names()
        namesLeft -= names.count
        return nearest(to: word, among: names)
    }

    // MARK: Consequences

    /// The attribute `name` of where the walk is, or of the file, was meant by something else that is wrong.
    func excuse(_ name: String) { if !isFull { wrong.insert(Self.text(path.dropLast() + [.key(name)])) } }

    /// The attribute `name` of where the walk is may stand in what could not be read.
    func excuse(inside name: String) { if !isFull { wrong.insert(Self.text(path + [.key(name)])) } }

    /// Something is wrong with the attribute `name` of where the walk is: that it seems to be missing is no news.
    func isWrong(_ name: String) -> Bool { !wrong.isEmpty && wrong.contains(Self.text(path + [.key(name)])) }

    /// The same of an attribute further inside: `deploy.replicas`.
    func isWrong(path names: String) -> Bool {
        guard !wrong.isEmpty else { return false }
        return wrong.contains(Self.text(path) + "." + names)
    }

    /// The element whose member's attribute the walk is at: `volumes` at `volumes.data.x`.
    var elementOfAttribute: String? {
        guard path.count == 3, case .key(let element) = path[0] else { return nil }
        return element
    }

    /// `name` may be meant as a member of `element`, and stands elsewhere: that it seems to be missing is no news.
    func excuse(_ name: String, of element: String) { if !isFull { wrong.insert("\(element).\(name)") } }

    /// An element of the file may have been meant by something else that is wrong.
    func excuse(element: String) { if !isFull { wrong.insert(element) } }

    /// What begins at `span` is wrong as a whole: nothing more is said of it.
    func silence(_ span: Span) { if !isFull { swallowed.insert(span.start) } }

    /// Something is wrong with an element of the file itself, or with a member of one: `services.web`.
    func isWrong(element: @autoclosure () -> String) -> Bool { !wrong.isEmpty && wrong.contains(element()) }

    /// The value at `span`, where the walk is, stays as it is written: its substitution failed, which was said.
    func leaveUnexpanded(_ span: Span) {
        unexpanded.spans.insert(span)
        if let pathText { unexpanded.paths.insert(pathText) }
    }

    /// The value at `span` was made with nothing in the place of a variable.
    func takeAsEmptied(_ span: Span, by variable: String) { if !isFull { emptied[span] = variable } }

    /// A part of the project could not be read.
    func markIncomplete() { isIncomplete = true }

    /// What was found, but for what follows from something else that was found.
    private var withoutConsequences: [Diagnostic] {
        guard !consequences.isEmpty else { return diagnostics }
        var left = diagnostics
        for (index, causes) in consequences.reversed() where left.indices.contains(index) {
            let places = causes.compactMap { sources.range($0)?.description }
            let isExplained = diagnostics.indices.contains { other in
                other != index && diagnostics[other].severity == .error
                    && diagnostics[other].place.map { places.contains($0.description) } ?? false
            }
            if isExplained { left.remove(at: index) }
        }
        return left
    }

    /// What was found, in the order in which it is shown.
    var sorted: [Diagnostic] {
        var rank: [String: Int] = [:]
        for (index, file) in sources.files.enumerated() where rank[file.name] == nil { rank[file.name] = index }
        return Diagnostic.sorted(withoutConsequences, rank: rank)
    }
}

extension Node {
    /// A node that the loader adds, at the place of what it comes from.
    static func text(_ text: String, at span: Span) -> Node { Node(.string(text), at: span) }

    static func members(_ members: [(String, Node)], at span: Span) -> Node {
        var mapping = Mapping(capacity: members.count)
        for (key, value) in members { mapping.append(Mapping.Entry(key: key, keySpan: span, value: value)) }
        return Node(.mapping(mapping), at: span)
    }

    /// A mapping or a list. Here and not beside `Node`: inlined within a module, a look at the kind copies nothing.
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

    /// It has one of Compose's tags.
    @inline(__always) var isTagged: Bool {
        guard case .none = tag else { return true }
        return false
    }

    /// Strings of a list, other items left out.
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
