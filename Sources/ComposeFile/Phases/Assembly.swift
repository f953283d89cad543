import YAML

/// The base of relative paths, and the variables, for a group of files.
struct Scope {
    /// The project directory, absolute.
    var directory: String
    var environment: [String: String]
    /// The files being included, outermost first.
    var chain: [String] = []

    /// The base for paths of another file in `folder`; relative to this file's folder if paths stay relative.
    func paths(from folder: String, _ steps: LoadSteps) -> PathResolution {
        let start = steps.resolvePaths ? folder : FilePath.relative(folder, to: directory)
        return PathResolution(directory: start, home: environment["HOME"])
    }
}

/// Phases 3 to 7 for a group of files. Interpolates and checks each document, brings it into canonical form, adds what
/// it includes and extends, and merges it onto the documents before it.
struct Assembly {
    let reading: Reading
    let report: Report
    let steps: LoadSteps

    /// The merged canonical model of the documents. Consumes them, so that their trees can be changed in place.
    func model(of documents: consuming [SourceDocument], _ scope: Scope) -> Node {
        let file = Shape(record: Format.file)
        var model = Node(.mapping(Mapping()))
        let toleratesNull = documents.count > 1
        documents.reverse()
        while var document = documents.popLast() {
            var node = document.takeNode()
            prepare(&node, hasVariables: document.hasVariables, file, scope, toleratesNull: toleratesNull)
            if let included = Inclusion(assembly: self, scope: scope).take(from: &node) {
                var whole = included
                Merging(lenient: !steps.interpolate).merge(node, onto: &whole, file)
                whole.span = node.span
                node = whole
            }
            Extension(assembly: self, scope: scope).resolve(in: &node, path: document.path)
            Merging(lenient: !steps.interpolate).merge(node, onto: &model, file)
            if model.span == .none { model.span = node.span }
        }
        return model
    }

    /// Interpolates, checks and canonicalises a part of a document.
    func prepare(
        _ node: inout Node, hasVariables: Bool, _ shape: Shape, _ scope: Scope, toleratesNull: Bool = false
    ) {
        if hasVariables, steps.interpolate {
            Interpolation(report: report, environment: scope.environment).apply(to: &node)
        }
        Validation(report: report, toleratesNull: toleratesNull).check(node, shape)
        Canonicalisation(report: report, lenient: !steps.interpolate).apply(to: &node, shape)
    }
}
