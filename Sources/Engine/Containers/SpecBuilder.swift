import EngineWire
import Images
import Linux
import Monitor
import OCI
import ProjectModel
import Runtime

/// Turns a container's record into the runtime spec that its monitor applies.
struct SpecBuilder {
    let record: ContainerRecord
    let paths: EnginePaths
    let surroundings: Surroundings
    let identity: ContainerUser
    /// Part of cgroup names when several engines share a machine.
    let instance: String
    /// The first process of a service with `init`.
    let initProgram: String
    /// The kernel can limit swap for each cgroup.
    let limitsSwap: Bool
    /// The layers of mounted images, top first, by target.
    var imageLayers: [String: [String]] = [:]

    /// - Throws: `EngineFailure` for a record that has no valid spec: no command, an unknown capability, a namespace of
    ///   a container that does not run.
    func spec() throws -> RuntimeSpec {
        let security = try SecurityOptions(record.template.securityOptions)
        var spec = RuntimeSpec()
        spec.root = .init(path: "rootfs", readonly: record.template.readOnly ? true : nil)
        spec.hostname = record.hostname
        spec.domainname = record.domainname
        if record.template.uts == "host" {
            spec.hostname = nil
            spec.domainname = nil
        }
        spec.process = try process(security)
        spec.mounts = mounts()
        spec.annotations = record.template.annotations.isEmpty ? nil : record.template.annotations
        spec.linux = try linux(security)
        return spec
    }

    // MARK: Process

    func process(_ security: SecurityOptions) throws -> RuntimeSpec.Process {
        var arguments = record.arguments
        guard !arguments.isEmpty else {
            throw EngineFailure(
                code: .invalid,
                message: "\(record.owner.subject) has no command, and neither does its image",
                hint: "add `command:` to the service, or write a command after the image")
        }
        if hasInit { arguments = [Self.initPath, "--"] + arguments }
        // A program that changes its group must not lose its primary one (CVE-2022-36109).
        let user = RuntimeSpec.User(
            uid: identity.uid, gid: identity.gid,
            additionalGids: [identity.gid] + identity.additionalGids.filter { $0 != identity.gid })
        var process = RuntimeSpec.Process(
            user: user, args: arguments, env: environment,
            cwd: record.template.workingDir ?? record.image.workingDir.nonEmpty ?? "/")
        process.terminal = record.template.tty ? true : nil
        process.consoleSize = record.template.consoleSize.map { .init(height: $0.rows, width: $0.columns) }
        let capabilities = try self.capabilities()
        let held = identity.uid == 0 ? capabilities : []
        process.capabilities = .init(
            bounding: capabilities, effective: held, inheritable: [], permitted: held, ambient: [])
        process.noNewPrivileges = security.noNewPrivileges ? true : nil
        process.apparmorProfile = security.apparmorProfile
        process.oomScoreAdj = record.template.resources.oomScoreAdjust
        process.rlimits = rlimits
        return process
    }

    /// Where programs expect Docker's init.
    static let initPath = "/sbin/docker-init"

    /// A shared process namespace already has a first process.
    var hasInit: Bool { record.template.useInit && record.template.pid == nil }

    private var rlimits: [RuntimeSpec.Rlimit]? {
        let limits = record.template.ulimits.sorted { $0.key < $1.key }.map { name, limit in
            RuntimeSpec.Rlimit(
                type: "RLIMIT_\(name.uppercased())", soft: limit.soft < 0 ? .max : UInt64(limit.soft),
                hard: limit.hard < 0 ? .max : UInt64(limit.hard))
        }
        return limits.isEmpty ? nil : limits
    }

    /// In this order, where a later one overrides: the image's variables, Docker's additions, the service's.
    private var environment: [String] {
        var values: [(String, String)] = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")]
        func set(_ name: String, _ value: String) {
            if let index = values.firstIndex(where: { $0.0 == name }) {
                values[index].1 = value
            } else {
                values.append((name, value))
            }
        }
        set("HOSTNAME", record.hostname)
        if record.template.tty { set("TERM", "xterm") }
        for (name, value) in surroundings.variables.sorted(by: { $0.key < $1.key }) { set(name, value) }
        for entry in record.image.env ?? [] {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            set(String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
        for (name, value) in record.template.environment.sorted(by: { $0.key < $1.key }) { set(name, value) }
        if let removed = record.template.environmentRemoved { values.removeAll { removed.contains($0.0) } }
        if !values.contains(where: { $0.0 == "HOME" }), !identity.home.isEmpty { set("HOME", identity.home) }
        return values.map { "\($0.0)=\($0.1)" }
    }

    func capabilities() throws -> [String] {
        let held = CapabilitySet.grantable.members
        if record.template.privileged { return held }
        do {
            return try CapabilityChoice.members(
                adding: record.template.capAdd, dropping: record.template.capDrop, held: held)
        } catch { throw EngineFailure(describing: error).of(record.owner) }
    }
}

extension String? {
    /// nil for an empty string too, because images use "" for a missing value.
    var nonEmpty: String? { flatMap { $0.isEmpty ? nil : $0 } }
}
