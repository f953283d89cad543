import ProjectModel

/// An image to pull before a service can use it: to run it or to mount it.
struct PullNeed: Sendable {
    let service: String
    /// Further services that need it.
    var others: [String] = []
    let reference: String
    let platform: String?
    /// The service also has a `build` section.
    let isBuilt: Bool
    /// The reason, as a text for a person.
    let reason: String

    /// The images to pull for `services` now, each reference once; `override` replaces their own policies.
    static func all(
        of services: [Service], in project: String, override: PullPolicy?, on machine: any Machine
    ) async -> [PullNeed] {
        var seen: [String: Int?] = [:]
        var needs: [PullNeed] = []
        for service in services {
            let policy = override ?? service.pullPolicy ?? .missing
            for image in images(of: service, in: project) {
                if let known = seen[image.reference] {
                    if let place = known { needs[place].others.append(service.name) }
                    continue
                }
                seen[image.reference] = .some(nil)
                guard let reason = await reason(to: policy, image.reference, image.platform, on: machine) else {
                    continue
                }
                seen[image.reference] = needs.count
                needs.append(
                    PullNeed(
                        service: service.name, reference: image.reference, platform: image.platform,
                        isBuilt: image.isBuilt,
                        reason: reason))
            }
        }
        return needs
    }

    /// The images that a registry may have. No registry has an image that only a build creates.
    private static func images(
        of service: Service, in project: String
    ) -> [(reference: String, platform: String?, isBuilt: Bool)] {
        let named = service.hasNamedImage(in: project) ? service.image : nil
        let own = named.map { ($0, service.platform, service.hasBuild) }
        let mounted = service.volumes.compactMap { volume -> (String, String?, Bool)? in
            guard case .image(let reference, _) = volume.kind else { return nil }
            return (reference, nil, false)
        }
        return (own.map { [$0] } ?? []) + mounted
    }

    /// nil when the local image will do.
    private static func reason(
        to policy: PullPolicy, _ reference: String, _ platform: String?, on machine: any Machine
    ) async -> String? {
        let known = (try? await machine.image(reference)) ?? nil
        let isHere = known?.runs(on: platform) ?? false
        switch policy {
        case .never, .build: return nil
        case .always: return "pull policy always"
        case .missing: break
        case .every(let age):
            guard isHere else { break }
            guard let updated = known?.updated else { return "its age is unknown" }
            return .nanoseconds(machine.now()) - .seconds(updated) > age ? "older than its pull policy allows" : nil
        }
        if isHere { return nil }
        guard known != nil, let platform else { return "not on this machine" }
        return "not on this machine for \(platform)"
    }
}
