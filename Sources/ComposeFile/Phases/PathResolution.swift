import Linux
import YAML

/// Phase 9: makes host paths absolute. Paths in an included or extended file start from that file's folder.
struct PathResolution {
    let directory: String
    let home: String?

    /// Resolves all paths of a model.
    func apply(to model: inout Node) {
        model.updateMapping { mapping in
            mapping.updateValues { key, element in
                element.updateMapping { members in
                    members.updateValues { _, value in
                        switch key {
                        case "services": applyToService(&value)
                        case "secrets", "configs": update(&value, "file", resolve)
                        case "volumes": applyToVolume(&value)
                        default: return
                        }
                    }
                }
            }
        }
    }

    func applyToService(_ service: inout Node) {
        service.updateMapping { mapping in
            for key in ["build", "env_file", "label_file", "volumes", "develop"] {
                guard let index = mapping.index(of: key) else { continue }
                mapping.update(at: index) { node in
                    switch key {
                    case "build": applyToBuild(&node)
                    case "env_file": each(&node) { update(&$0, "path", resolveFile) }
                    case "label_file": each(&node, resolveFile)
                    case "volumes": each(&node, applyToMount)
                    default: update(&node, "watch") { each(&$0) { update(&$0, "path", resolveFile) } }
                    }
                }
            }
        }
    }

    private func applyToBuild(_ build: inout Node) {
        update(&build, "context", resolveContext)
        update(&build, "ssh") { keys in keys.updateMapping { $0.updateValues { _, path in resolve(&path) } } }
        update(&build, "additional_contexts") { contexts in
            contexts.updateMapping { $0.updateValues { _, value in resolveContext(&value) } }
        }
    }

    private func applyToMount(_ mount: inout Node) {
        guard mount.string(at: "type") == "bind" else { return }
        update(&mount, "source", resolve)
    }

    /// A local volume that is a bind mount of a host folder: `driver: local` with `o: bind`.
    private func applyToVolume(_ volume: inout Node) {
        guard volume.string(at: "driver") == "local", volume["driver_opts"]?.string(at: "o") == "bind" else { return }
        update(&volume, "driver_opts") { update(&$0, "device", resolve) }
    }

    private func resolve(_ node: inout Node) {
        guard let path = node.string, !path.isAbsolutePath, !FilePath.isWindowsAbsolute(path) else { return }
        node.value = .string(FilePath.absolute(FilePath.expandingHome(path, home: home), in: directory))
    }

    /// An empty file name means none, not the folder.
    private func resolveFile(_ node: inout Node) {
        if node.string?.isEmpty == false { resolve(&node) }
    }

    private func resolveContext(_ node: inout Node) {
        guard let text = node.string, !text.isEmpty else { return }
        let remote = ["service:", "github.com/", "git@", "docker-image:", "oci-layout:"]
        if text.contains("://") || remote.contains(where: text.hasPrefix) { return }
        resolve(&node)
    }

    private func update(_ node: inout Node, _ key: String, _ body: (inout Node) -> Void) {
        node.updateMapping { mapping in
            if let index = mapping.index(of: key) { mapping.update(at: index, body) }
        }
    }

    private func each(_ node: inout Node, _ body: (inout Node) -> Void) {
        node.updateSequence { nodes in
            for index in nodes.indices { body(&nodes[index]) }
        }
    }
}
