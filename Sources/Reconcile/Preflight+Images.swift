import ProjectModel

extension Preflight {
    func image(of service: DesiredService) -> [PreflightFinding] {
        guard isCreated(service), let reference = service.spec.image, let image = facts.images[reference] else {
            return []
        }
        let name = service.spec.name
        if case .absent(let reason) = image.availability {
            let message = "image \(reference) is not on this machine: \(reason)"
            let hint =
                service.spec.hasBuild
                ? "`berth build \(name)`, or `berth up --build`"
                : "`berth image pull \(reference)` or `docker save \(reference) | berth image load`"
            let path = AttributePath.service(name, service.spec.hasBuild ? "build" : "image")
            return [PreflightFinding(.missingImage, service: name, at: path, message, hint: hint)]
        }
        return []
    }

    /// Dependencies for whose health a service waits although they have no health check.
    func health(_ service: DesiredService) -> [PreflightFinding] {
        service.spec.dependsOn.compactMap { need in
            guard need.condition == .healthy, need.required, let other = services[need.service],
                other.goal == .running, !hasHealthcheck(other.spec)
            else { return nil }
            return PreflightFinding(
                .noHealthcheck, service: service.spec.name,
                at: .service(service.spec.name, "depends_on", need.service),
                "depends on \(need.service) being healthy, which has no health check",
                hint: "give \(need.service) a healthcheck, or wait for service_started")
        }
    }

    private func hasHealthcheck(_ spec: Service) -> Bool {
        if let test = spec.healthcheck?.test { return test != ["NONE"] }
        // An unchecked image may have one.
        guard let image = spec.image.flatMap({ facts.images[$0] }), image.availability == .present else { return true }
        return image.hasHealthcheck
    }
}
