import YAML

/// Phase 6a: loads the files that a document includes, each group separately, and combines their elements.
struct Inclusion {
    private static let imported = ["services", "volumes", "networks", "secrets", "configs", "models"]
    private static let maximumDepth = 50
    /// The maximum number of files in one load, because includes can multiply.
    private static let maximumFiles = 2000

    let assembly: Assembly
    let scope: Scope

    private var report: Report { assembly.report }

    /// The elements from all includes of `document`; removes its `include`. nil when it includes nothing.
    func take(from document: inout Node) -> Node? {
        guard let entries = document["include"]?.sequence else { return nil }
        document.updateMapping { $0.remove("include") }
        var result = Node(.mapping(Mapping()))
        report.inside("include") {
            for (index, entry) in entries.enumerated() {
                report.inside(index) {
                    guard let elements = load(entry) else { return report.markIncomplete() }
                    Merging(lenient: !assembly.steps.interpolate).merge(
                        elements, onto: &result, Shape(record: Format.file))
                }
            }
        }
        return result
    }

    private func load(_ entry: Node) -> Node? {
        let paths = Self.list(entry["path"])
        guard let first = paths.first, let main = first.string else {
            report.error(entry.span, "'include' needs 'path'", hint: "write `- path: FILE`, or `- FILE` alone")
            return nil
        }
        if let remote = paths.first(where: { isRemote($0.string ?? "") }) {
            report.error(
                remote.span, "'\(remote.string ?? "")' is not on this machine",
                hint: "fetch it and include the local file")
            return nil
        }
        let mainPath = FilePath.absolute(main, in: scope.directory)
        guard !scope.chain.contains(mainPath), scope.chain.count < Self.maximumDepth else {
            report.error(
                first.span, "\(mainPath) includes itself", hint: "remove one of the includes",
                notes: [Diagnostic.Note(message: (scope.chain + [mainPath]).joined(separator: " -> "), place: nil)])
            return nil
        }
        guard report.sources.files.count < Self.maximumFiles else {
            report.error(
                first.span, "more than \(Self.maximumFiles) files are included", hint: "include fewer files")
            return nil
        }
        let inner = innerScope(entry, mainPath)
        let origin = SourceMap.Origin(reason: "included from here", span: first.span)
        let documents = paths.compactMap(\.string).flatMap {
            assembly.reading.documents(of: FilePath.absolute($0, in: scope.directory), origin: origin)
        }
        let outer = report.goToRoot()
        var model = assembly.model(of: consume documents, inner)
        report.goBack(to: outer)
        Completion.completeBuilds(in: &model)
        scope.paths(from: inner.directory, assembly.steps).apply(to: &model)
        model.updateMapping { $0.removeAll { !Self.imported.contains($0.key) } }
        return model
    }

    private func innerScope(_ entry: Node, _ mainPath: String) -> Scope {
        var inner = scope
        inner.chain.append(mainPath)
        inner.directory =
            entry.string(at: "project_directory").map { FilePath.absolute($0, in: scope.directory) }
            ?? FilePath.folder(of: mainPath)
        let reader = EnvironmentFiles(source: assembly.reading.source, report: report)
        let environment = scope.environment
        var values: [String: String] = [:]
        let files = Self.list(entry["env_file"])
        for file in files {
            guard let path = file.string, path != "/dev/null" else { continue }
            let absolute = FilePath.absolute(path, in: scope.directory)
            let read = reader.read(absolute, required: true, at: file.span, earlier: values) { environment[$0] }
            values.merge(read) { _, new in new }
        }
        if files.isEmpty {
            let path = "\(inner.directory)/.env"
            values = reader.read(path, required: false, at: entry.span) { environment[$0] }
        }
        inner.environment.merge(values) { old, _ in old }
        return inner
    }

    /// Without interpolation, a single name may still be in place of a list.
    private static func list(_ node: Node?) -> [Node] {
        guard let node else { return [] }
        return node.sequence ?? [node]
    }

    private func isRemote(_ path: String) -> Bool {
        path.contains("://") || path.hasPrefix("oci:") || path.hasPrefix("git@") || path.hasPrefix("github.com/")
    }
}
