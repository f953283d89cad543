import ProjectModel

/// Defaults for containers, from the engine's settings. They are not part of a container's template, so changing them
/// replaces no container.
package struct ContainerDefaults: Hashable, Sendable {
    package var ulimits: [String: Ulimit] = [:]
    package var noNewPrivileges = false
    /// `unconfined`, or the text of a profile; nil means the engine's own profile.
    package var seccomp: String?
    package var useInit = false
    package var shmSize: Int64?
    package var logging: Logging?

    package init() {}

    /// The record with the defaults filled in, as the engine starts it.
    func applied(to record: ContainerRecord) -> ContainerRecord {
        guard self != ContainerDefaults() else { return record }
        var record = record
        record.template.ulimits.merge(ulimits) { own, _ in own }
        record.template.shmSize = record.template.shmSize ?? shmSize
        if useInit { record.template.useInit = true }
        var options = record.template.securityOptions
        func isSilent(_ kind: String) -> Bool {
            options.allSatisfy { !($0 == kind || $0.hasPrefix("\(kind)=") || $0.hasPrefix("\(kind):")) }
        }
        if noNewPrivileges, isSilent("no-new-privileges") { options.append("no-new-privileges") }
        if let seccomp, isSilent("seccomp"), !record.template.privileged { options.append("seccomp=\(seccomp)") }
        record.template.securityOptions = options
        record.template.logging = logging(record.template.logging)
        return record
    }

    /// Merges options if the driver is the same, as dockerd does.
    func logging(_ own: Logging?) -> Logging? {
        guard let logging else { return own }
        guard let driver = own?.driver, driver != logging.driver ?? "json-file" else {
            var merged = logging
            merged.options.merge(own?.options ?? [:]) { _, new in new }
            return merged
        }
        return own
    }
}
