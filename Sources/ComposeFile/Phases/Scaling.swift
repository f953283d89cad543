import YAML

/// Attributes with the same meaning must agree, and a service with a container name cannot be scaled.
struct Scaling {
    let report: Report

    func check(_ service: Node) {
        let deploy = service["deploy"]
        if let deploy {
            agree(service, "scale", deploy["replicas"], "deploy.replicas")
            let resources = deploy["resources"]
            if let limits = resources?["limits"] {
                agree(service, "cpus", limits["cpus"], "deploy.resources.limits.cpus")
                agree(service, "mem_limit", limits["memory"], "deploy.resources.limits.memory")
                agree(service, "pids_limit", limits["pids"], "deploy.resources.limits.pids")
            }
            if let reserved = resources?["reservations"] {
                agree(service, "mem_reservation", reserved["memory"], "deploy.resources.reservations.memory")
            }
        }
        if let name = service["container_name"], let scale = service["scale"] ?? deploy?["replicas"],
            let count = scale.integer, count > 1
        {
            report.inside("container_name") {
                report.error(
                    name.span, "a service with 'container_name' cannot have \(count) replicas: names are unique",
                    hint: "remove 'container_name'", notes: [report.note("the number of replicas", scale.span)])
            }
        }
    }

    private func agree(_ service: Node, _ name: String, _ other: Node?, _ otherName: String) {
        guard let other, let own = service[name], !report.isWrong(name), !report.isWrong(path: otherName),
            own.value != other.value,
            own.number != other.number || own.number == nil
        else {
            return
        }
        report.inside(name) {
            report.error(
                own.span,
                "'\(name)' and '\(otherName)' differ: \(Validation.plainText(own) ?? "") and "
                    + "\(Validation.plainText(other) ?? "")",
                hint: "give one of them only", notes: [report.note("'\(otherName)'", other.span)])
        }
    }
}
