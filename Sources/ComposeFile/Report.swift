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
    /// The variables without a value, and where the first of each stands in the list.
    private var unset: (all: [UnsetVariable], positions: [String: Int]) = ([], [:])
    /// Says how to set variables of these names.
    var adviceForUnset: (_ names: [String]) -> String = UnsetVariable.advice
    /// Paths of attributes that are wrong or misspelt: what follows from that is no news.
    private var wrong: Set<String> = []
    /// Paths and places of values in which a substitution failed: what they hold says nothing.
    private var unexpanded: (paths: Set<String>, spans: Set<Span>) = ([], [])
    /// Where values begin that swallowed text meant for something else.
    private var swallowed: Set<Span> = []
    /// Findings, by their number, that only follow when something else is wrong at a place.
    private var consequences: [(index: Int, causes: [Span], element: String?)] = []
    /// What does not work when the project is brought up, and may be looked at all the same.
    private(set) var deferred: [Diagnostic] = []
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

    /// What `body` finds stands in another file, and its path begins there.
    func atRoot<Result>(_ body: () -> Result) -> Result {
        let outer = goToRoot()
        defer { goBack(to: outer) }
        return body()
    }

    /// The same where a closure would hold on to a tree that is to be changed in place.
    func goToRoot() -> [AttributePath.Step] {
        let outer = path
        path = []
        return outer
    }

    func goBack(to outer: [AttributePath.Step]) { path = outer }

    /// `services.web.ports[1]`; a key that is no plain name stands in brackets and quotes.
    var pathText: String? { path.isEmpty ? nil : Self.text(path) }

    private static func text(_ path: some Sequence<Part>) -> String { AttributePath(Array(path)).description }

    /// The same without a number where the file has no list.
    func inside<Result>(_ index: Int?, _ body: () -> Result) -> Result {
        index.map { inside($0, body) } ?? body()
    }

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

    /// Something wrong with a file as YAML, `steps` from its root.
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

    /// A text that does not fit its grammar. One that a variable without a value left so is an error only when the project is
    /// brought up.
    /// The same goes for one that works on other systems.
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

    /// What `body` finds is no news when the element of this name is wrong itself: `services.web`.
    func following(from element: String, _ name: String, _ body: () -> Void) {
        let before = diagnostics.count
        body()
        let text = Self.text([.key(element), .key(name)])
        for index in before..<diagnostics.count { consequences.append((index, [], text)) }
    }

    /// A variable without a value, for which "" was taken: one warning for all.
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
        var explained: Set<Int> = []
        for end in diagnostics where end.endsReading {
            guard let place = end.place else { continue }
            // What was read of the rest of the file is not what was meant.
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

    /// What was found, in the order in which it is shown.
    var sorted: [Diagnostic] { sorted(withoutConsequences + unsetWarning) }

    /// Diagnostics of these files in the order in which they are shown.
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
