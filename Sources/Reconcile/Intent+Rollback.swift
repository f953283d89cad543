import ProjectModel

/// Brings a service back to an earlier version, with the image that its reference meant then.
package struct RollbackTarget: Hashable, Sendable {
    package var spec: Service
    package var image: String?

    package init(spec: Service, image: String?) {
        self.spec = spec
        self.image = image
    }
}

extension IntentEdit {
    /// Only the template goes back. The number of replicas, the dependencies and the update rules stay.
    mutating func rollback(_ targets: [String: RollbackTarget]) throws(IntentError) {
        for index in try chosen() {
            guard let target = targets[desired.services[index].spec.name] else { continue }
            let now = desired.services[index].spec
            var spec = target.spec
            spec.scale = now.scale
            spec.dependsOn = now.dependsOn
            spec.updateConfig = now.updateConfig
            spec.rollbackConfig = now.rollbackConfig
            desired.services[index].spec = spec
            desired.services[index].pinnedImage = target.image
            desired.services[index].isUpdatePaused = nil
            desired.services[index].isRollingBack = true
        }
        change.scope = PlanScope(extents: [:])
        change.scope.add(change.services, .whole)
    }
}
