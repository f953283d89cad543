import EngineWire
import Images
import OCI
import ProjectModel
import Reconcile

/// Pulls the images that services need, by their policies; each reference once.
struct ImagePuller: Sendable {
    let machine: any Machine
    let operation: Operation
    let logins: RegistryLogins
    /// Keeps the pulls of services for `explain`.
    let history: History

    /// `pull`: pulls every image of the chosen services.
    func pull(
        _ request: OperationRequest, stored: Desired?, policy: PullPolicy, ignoreFailures: Bool, dependencies: Bool
    ) async throws -> OperationOutcome {
        guard let project = request.project ?? stored.map(Project.init) else {
            throw EngineFailure(
                code: .notFound, message: "no such project", hint: "run it in the project's folder, or with -f")
        }
        let chosen = Self.services(project, named: request.services, dependencies: dependencies)
        if request.dryRun {
            let needs = await PullNeed.all(of: chosen, in: project.name, override: policy, on: machine)
            operation.emit(.planned(PlanDescription(fetching: needs)))
            return OperationOutcome(status: .succeeded)
        }
        let failures = await pull(chosen, project: project.name, override: policy, makesDo: false)
        let fatal = ignoreFailures ? [] : failures
        if ignoreFailures { for failure in failures { operation.emit(.warning(failure.message)) } }
        return OperationOutcome(status: fatal.isEmpty ? .succeeded : .failed, errors: fatal)
    }

    /// Before an `up`: pulls images that are missing or must be updated. It calls `obstacles` before it pulls anything,
    /// so that nobody waits minutes for a pull and then learns that the plan is impossible.
    func pullMissing(
        _ project: Project, services: [String], dependencies: Bool, override: PullPolicy?,
        unless obstacles: @Sendable () async -> [EngineFailure]
    ) async -> [EngineFailure] {
        let chosen = Self.services(project, named: services, dependencies: dependencies)
        return await pull(chosen, project: project.name, override: override, unless: obstacles)
    }

    /// `makesDo`: if the image of a service with `build:` cannot be pulled, use the local one. `isNoted`: `project` is a
    /// project, and its history records the pulls.
    func pull(
        _ services: [Service], project: String, override: PullPolicy?, makesDo: Bool = true, isNoted: Bool = true,
        unless obstacles: @Sendable () async -> [EngineFailure] = { [] }
    ) async -> [EngineFailure] {
        let wanted = await PullNeed.all(of: services, in: project, override: override, on: machine)
        guard !wanted.isEmpty else { return [] }
        let found = await obstacles()
        guard found.isEmpty else { return found }
        return await withTaskGroup(of: EngineFailure?.self) { group in
            var failures: [EngineFailure] = []
            for (index, image) in wanted.enumerated() {
                if index >= operation.parallelism ?? Int.max, let failure = await group.next() ?? nil {
                    failures.append(failure)
                }
                group.addTask { await pull(image, isNoted ? project : nil, makesDo: makesDo) }
            }
            for await failure in group { if let failure { failures.append(failure) } }
            return failures.sorted { $0.message < $1.message }
        }
    }

    /// Notes a pull in the history of every service that needs the image.
    private func note(_ image: PullNeed, _ project: String?, imageID: String?, failure: String? = nil) async {
        guard let project else { return }
        var occurrence = Occurrence(
            at: Double(machine.now()) / 1e9, kind: failure == nil ? .pulled : .pullFailed, by: operation.author,
            reason: failure ?? image.reason)
        occurrence.image = image.reference
        if let imageID {
            occurrence.imageID = imageID
            let stored = try? await machine.storedImages().named
            occurrence.digest = stored?.first { $0.reference.familiar == (try? Reference(image.reference))?.familiar }?
                .repositoryDigest.map { "\($0)" }
        }
        for service in [image.service] + image.others {
            history.note(occurrence, at: .init(project: project, service: service))
        }
    }

    private func pull(_ image: PullNeed, _ project: String?, makesDo: Bool) async -> EngineFailure? {
        let reference = image.reference
        operation.object(.image, reference, "Pulling")
        let failure = await operation.interruptible { [operation, machine, logins] in
            do {
                let pulled = try await machine.pull(reference, platform: image.platform, logins: logins) { step in
                    guard case .transfer(let done, let total) = step else { return }
                    operation.emit(.transfer(object: reference, done: done, total: total))
                }
                await note(image, project, imageID: pulled.id)
                return EngineFailure?.none
            } catch { return EngineFailure(describing: error) }
        }
        guard var failure else {
            operation.object(.image, reference, "Pulled", done: true)
            return nil
        }
        guard !operation.isCancelled else {
            operation.object(.image, reference, "Interrupted", done: true, failed: true)
            return EngineFailure(describing: CancellationError())
        }
        await note(image, project, imageID: nil, failure: failure.message)
        let known = (try? await machine.image(reference)) ?? nil
        if image.isBuilt, makesDo, known?.runs(on: image.platform) == true {
            operation.object(
                .image, reference, "Kept", done: true, reason: "it could not be pulled: \(failure.message)")
            return nil
        }
        failure.message = "service \"\(image.service)\": \(failure.message)"
        if let known, let have = known.platform, let wanted = image.platform,
            !known.runs(on: wanted)
        {
            failure.message += "; the local image is for \(have), but its platform is \(wanted)"
        }
        if image.isBuilt {
            failure.hint =
                "`berth build` or `berth up --build` creates it"
        }
        failure.hint =
            failure.hint
            ?? "to load it without a registry: `docker save \(reference) | berth image load`, or `berth image import FILE \(reference)`"
        operation.object(.image, reference, "Error", done: true, failed: true, reason: failure.message)
        return failure
    }

    private static func services(_ project: Project, named: [String], dependencies: Bool) -> [Service] {
        let names = project.selection(of: named, dependencies: dependencies)
        return project.services.filter { names.contains($0.name) }
    }
}
