import YAML

/// Attributes that say the same thing twice must agree, and a named container cannot be scaled.
struct Scaling {
    let report: Report

    func check(_ service: Node) {
        let deploy = service["deploy"]
        agree(service["scale"], "scale", deploy?["replicas"], "deploy.replicas")
        let limits = deploy?["resources"]?["limits"]
        agree(service["cpus"], "cpus", limits?["cpus"], "deploy.resources.limits.cpus")
        agree(service["mem_limit"], "mem_limit", limits?["memory"], "deploy.resources.limits.memory")
        agree(service["pids_limit"], "pids_limit", limits?["pids"], "deploy.resources.limits.pids")
        let reserved = deploy?["resources"]?["reservations"]
        agree(
            service["mem_reservation"], "mem_reservation", reserved?["memory"], "deploy.resources.reservations.memory")
        if let name = service["container_name"], let scale = service["scale"] ?? deploy?["replicas"],
            let count = scale.integer, count > 1
        {
            report.error(
                name.span, "a service with 'container_name' cannot have \(count) replicas: names are unique",
                hint: "remove 'container_name'", notes: [report.note("the number of replicas", scale.span)])
        }
    }

    private func agree(_ own: Node?, _ name: String, _ other: Node?, _ otherName: String) {
        guard let own, let other, !report.isWrong(name), !report.isWrong(path: otherName), own.value != other.value,
            own.number != other.number || own.number == nil
        else {
            return
        }
        report.error(
            own.span,
            "'\(name)' and '\(otherName)' differ: \(Validation.plainText(own) ?? "") and "
                + "\(Validation.plainText(other) ?? "")",
            hint: "give one of them only", notes: [report.note("'\(otherName)'", other.span)])
    }
}
