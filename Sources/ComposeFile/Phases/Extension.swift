import YAML

/// Phase 6b: completes each service of a document with the services that it extends.
struct Extension {
    private static let maximumChain = 50

    let assembly: Assembly
    let scope: Scope

    private var report: Report { assembly.report }

    /// A service in a file, for finding cycles.
    private struct Address: Hashable {
        let path: String
        let service: String
    }

    /// The canonical services of one file, resolved on demand.
    private final class Services {
        let path: String
        /// The base of its relative paths; nil for the file being loaded, whose paths are resolved later.
        let folder: String?
        var raw: [String: Node]
        var names: [String]
        var resolved: [String: Node] = [:]

        init(path: String, folder: String?, services: Mapping) {
            self.path = path
            self.folder = folder
            names = services.keys
            raw = Dictionary(services.entries.map { ($0.key, $0.value) }) { first, _ in first }
        }
    }

    /// Files opened for base services, by path.
    private final class Cache {
        var files: [String: Services] = [:]
    }

    func resolve(in document: inout Node, path: String) {
        guard let services = document["services"]?.mapping,
            services.entries.contains(where: { $0.value["extends"] != nil })
        else { return }
        let own = Services(path: path, folder: nil, services: services)
        let cache = Cache()
        report.inside("services") {
            for name in own.names {
                let before = report.errorCount
                _ = service(name, in: own, chain: [], cache)
                // The values of the base are unknown.
                if report.errorCount > before { report.inside(name) { report.excuse(inside: "image") } }
            }
        }
        document.updateMapping { mapping in
            guard let index = mapping.index(of: "services") else { return }
            mapping.update(at: index) { node in
                node.updateMapping { services in
                    services.updateValues { name, value in value = own.resolved[name] ?? value }
                }
            }
        }
    }

    private func service(_ name: String, in file: Services, chain: [Address], _ cache: Cache) -> Node? {
        if let done = file.resolved[name] { return done }
        guard var node = file.raw[name] else { return nil }
        if file.folder != nil { prepare(&node, name, file) }
        if let extends = node["extends"], extends.tag != .reset {
            let chain = chain + [Address(path: file.path, service: name)]
            node.updateMapping { $0.remove("extends") }
            if var base = inside(name, "extends", { base(extends, in: file, chain: chain, cache) }) {
                Merging(lenient: !assembly.steps.interpolate).merge(node, onto: &base, .mapping(Format.service))
                base.span = node.span
                node = base
            }
        }
        file.resolved[name] = node
        return node
    }

    /// Runs `body` at the attribute of the service in its own file.
    private func inside<Result>(_ service: String, _ attribute: String?, _ body: () -> Result) -> Result {
        report.atRoot {
            report.inside("services") {
                report.inside(service) { attribute.map { report.inside($0, body) } ?? body() }
            }
        }
    }

    private func base(_ extends: Node, in file: Services, chain: [Address], _ cache: Cache) -> Node? {
        guard let service = extends["service"], let name = service.string else {
            if !report.isIncomplete, !report.isWrong("service") {
                report.error(extends.span, "'extends' needs 'service'", hint: "add `service: NAME`")
            }
            return nil
        }
        var other = file
        if let path = extends["file"], let text = path.string {
            let absolute = FilePath.absolute(text, in: file.folder ?? scope.directory)
            if absolute != file.path {
                guard let opened = open(absolute, at: path.span, cache) else { return nil }
                other = opened
            }
        }
        let address = Address(path: other.path, service: name)
        if let start = chain.firstIndex(of: address) {
            let names = chain[start...].map(\.service) + [name]
            report.inside("service") {
                report.error(
                    service.span, "a service cannot extend itself: \(names.joined(separator: " -> "))",
                    hint: names.count > 2 ? "remove one of these extends" : "name another service, or remove 'extends'")
            }
            return nil
        }
        guard chain.count < Self.maximumChain else {
            report.error(
                service.span, "more than \(Self.maximumChain) services extend each other", hint: "extend fewer")
            return nil
        }
        guard let base = self.service(name, in: other, chain: chain, cache) else {
            let isHere = other.path == file.path
            if isHere,
                report.isIncomplete || report.isWrong(element: "services")
                    || report.isWrong(element: "services.\(name)")
            {
                return nil
            }
            let place = isHere ? "" : " in \(other.path)"
            report.error(
                service.span, "there is no service '\(name)'\(place) to extend",
                hint: report.likely(name, among: other.names).map { "did you mean '\($0)'?" }
                    ?? (other.names.isEmpty || report.isFull
                        ? "name a file that has it"
                        : "services there are \(other.names.sorted().prefix(12).joined(separator: ", "))"))
            return nil
        }
        return base.isNull ? nil : base
    }

    private func open(_ path: String, at span: Span, _ cache: Cache) -> Services? {
        if let known = cache.files[path] { return known }
        let origin = SourceMap.Origin(reason: "extended from here", span: span)
        let documents = assembly.reading.documents(of: path, origin: origin, hasElements: false)
        guard !documents.isEmpty else { return nil }
        var services = Mapping()
        for document in documents {
            for entry in document.node["services"]?.mapping?.entries ?? [] { services.put(entry) }
        }
        let opened = Services(path: path, folder: FilePath.folder(of: path), services: services)
        cache.files[path] = opened
        return opened
    }

    /// Prepares a base in another file. Only this service of the file is checked.
    private func prepare(_ node: inout Node, _ name: String, _ file: Services) {
        // An empty service adds nothing.
        if node.isNull { return }
        inside(name, nil) { assembly.prepare(&node, hasVariables: true, .mapping(Format.service), scope) }
        if let folder = file.folder {
            scope.paths(from: folder, assembly.steps).applyToService(&node)
        }
    }
}
