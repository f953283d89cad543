import EngineWire
import ProjectModel
import Reconcile

/// Fetches the images that services need, as their policies say; each reference once.
struct ImagePuller: Sendable {
    let machine: any Machine
    let operation: Operation

    /// `pull`: every image of the chosen services.
    func pull(
        _ request: OperationRequest, stored: Desired?, policy: PullPolicy, ignoreFailures: Bool, dependencies: Bool
    ) async throws -> OperationOutcome {
        guard let project = request.project ?? stored.map(Project.init) else {
            throw EngineFailure(
                code: "not_found", message: "no such project", hint: "run it in the project's folder, or with -f")
        }
        let chosen = Self.services(project, named: request.services, dependencies: dependencies)
        let failures = await pull(chosen, project: project.name, override: policy)
        let fatal = ignoreFailures ? [] : failures
        if ignoreFailures { for failure in failures { operation.emit(.warning(failure.message)) } }
        return OperationOutcome(status: fatal.isEmpty ? .succeeded : .failed, errors: fatal)
    }

    /// Before an `up`: what is missing, or wanted anew.
    func pullMissing(_ project: Project, services: [String], override: PullPolicy?) async -> [EngineFailure] {
        let chosen = Self.services(project, named: services, dependencies: true)
        return await pull(chosen, project: project.name, override: override)
    }

    func pull(_ services: [Service], project: String, override: PullPolicy?) async -> [EngineFailure] {
        var seen: Set<String> = []
        var wanted: [(service: Service, reference: String)] = []
        for service in services {
            guard let reference = service.image, seen.insert(reference).inserted else { continue }
            let policy = override ?? service.pullPolicy ?? .missing
            if await isNeeded(reference, policy, service) { wanted.append((service, reference)) }
        }
        return await withTaskGroup(of: EngineFailure?.self) { group in
            for (service, reference) in wanted { group.addTask { await pull(service, reference) } }
            var failures: [EngineFailure] = []
            for await failure in group { if let failure { failures.append(failure) } }
            return failures.sorted { $0.message < $1.message }
        }
    }

    private func isNeeded(_ reference: String, _ policy: PullPolicy, _ service: Service) async -> Bool {
        switch policy {
        case .never, .build: return false
        case .always, .every: return !service.hasBuild
        case .missing:
            if service.hasBuild { return false }
            let known = try? await machine.image(reference)
            return known == nil
        }
    }

    private func pull(_ service: Service, _ reference: String) async -> EngineFailure? {
        operation.object(.image, reference, "Pulling")
        do {
            let operation = operation
            _ = try await machine.pull(reference, platform: service.platform) { step in
                if case .transfer(let done, let total) = step {
                    operation.emit(.transfer(object: reference, done: done, total: total))
                }
            }
            operation.object(.image, reference, "Pulled", done: true)
            return nil
        } catch {
            var failure = EngineFailure(describing: error)
            failure.message = "service \"\(service.name)\": \(failure.message)"
            failure.hint =
                failure.hint
                ?? "without a registry: `docker save \(reference) | berth image load`, or `berth image import FILE \(reference)`"
            operation.object(.image, reference, "Error", done: true, failed: true, reason: failure.message)
            return failure
        }
    }

    private static func services(_ project: Project, named: [String], dependencies: Bool) -> [Service] {
        guard !named.isEmpty else { return project.services }
        var names = Set(named)
        var open = named
        while dependencies, let next = open.popLast() {
            for dependency in project.service(next)?.dependsOn ?? [] where names.insert(dependency.service).inserted {
                open.append(dependency.service)
            }
        }
        return project.services.filter { names.contains($0.name) }
    }
}
