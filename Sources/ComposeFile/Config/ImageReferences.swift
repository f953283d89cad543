import YAML

/// The image references in a canonical model: of services, of their hooks, and of volumes with `type: image`.
package enum ImageReferences {
    /// Every image reference once, sorted. A volume's source that names a service is not one.
    package static func all(in result: LoadResult) -> [String] {
        var found: Set<String> = []
        for entry in result.model["services"]?.mapping?.entries ?? [] {
            if let image = own(entry.value) { found.insert(image) }
            found.formUnion(dependent(entry.value).filter { !isService($0, in: result) })
        }
        return found.sorted()
    }

    /// Replaces references that are keys of `replacements`.
    package static func replace(_ replacements: [String: String], in result: inout LoadResult) {
        let services = Set(result.model["services"]?.mapping?.keys ?? []).union(result.disabled.keys)
        func pin(_ node: inout Node) {
            if let name = node.string, let pinned = replacements[name] { node.value = .string(pinned) }
        }
        result.model.update("services") { elements in
            elements.updateMapping { mapping in
                mapping.updateValues { _, service in
                    service.update("image", pin)
                    service.update("pre_start") { hooks in hooks.each { $0.update("image", pin) } }
                    service.update("volumes") { volumes in
                        volumes.each { volume in
                            guard isImage(volume), !services.contains(volume.string(at: "source") ?? "") else { return }
                            volume.update("source", pin)
                        }
                    }
                }
            }
        }
    }

    /// The image that a service names; an empty name, from a variable without a value, does not count.
    static func own(_ service: Node) -> String? { service.string(at: "image").flatMap { $0.isEmpty ? nil : $0 } }

    /// The images that a service needs besides its own; volumes may name services instead.
    static func dependent(_ service: Node) -> [String] {
        let hooks = (service["pre_start"]?.sequence ?? []).compactMap { $0.string(at: "image") }
        let volumes = (service["volumes"]?.sequence ?? []).filter(isImage).compactMap { $0.string(at: "source") }
        return (hooks + volumes).filter { !$0.isEmpty }
    }

    static func isService(_ name: String, in result: LoadResult) -> Bool {
        result.model["services"]?[name] != nil || result.disabled.index(of: name) != nil
    }

    static func isImage(_ volume: Node) -> Bool { volume.string(at: "type") == "image" }
}
