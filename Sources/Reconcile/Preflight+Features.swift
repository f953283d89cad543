import ProjectModel

extension Preflight {
    /// Requirements of a service on the kernel and its modules, other than limits.
    func features(of service: DesiredService) -> [PreflightFinding] {
        let spec = service.spec
        return platform(spec) + appArmor(spec) + sysctls(spec) + modes(spec) + hostname(spec) + strangers(spec)
            + cgroupParent(spec)
    }

    private func platform(_ service: Service) -> [PreflightFinding] {
        guard let platform = service.platform, facts.features.foreignPlatforms.contains(platform) else { return [] }
        let own = facts.features.platform.map { ", which is \($0)" } ?? ""
        return [
            PreflightFinding(
                .platformForeign, service: service.name, at: .service(service.name, "platform"),
                "programs for \(platform) do not run on this machine\(own)",
                hint: "remove `platform`, or install an emulator (`apt install qemu-user-static`)")
        ]
    }

    private func appArmor(_ service: Service) -> [PreflightFinding] {
        guard let there = facts.features.appArmor else { return [] }
        return service.securityOptions.enumerated().compactMap { index, option in
            let place = AttributePath.service(service.name, "security_opt").appending(index)
            guard let profile = Self.appArmorProfile(option) else { return nil }
            switch there {
            case .absent:
                return PreflightFinding(
                    .kernelLacks, service: service.name, at: place,
                    "the AppArmor profile \"\(profile)\" cannot be enforced: AppArmor is not enabled on this machine",
                    hint: "enable it (apparmor=1 for the kernel), or remove the option")
            case .enabled(let profiles):
                guard let profiles, !profiles.contains(profile) else { return nil }
                let meant = likelySpelling(of: profile, among: profiles).map { "did you mean \"\($0)\"? " } ?? ""
                return PreflightFinding(
                    .kernelLacks, service: service.name, at: place,
                    "the AppArmor profile \"\(profile)\" is not loaded",
                    hint: "\(meant)`apparmor_parser -r FILE` loads one, `aa-status` lists them")
            }
        }
    }

    private static func appArmorProfile(_ option: String) -> String? {
        guard option.hasPrefix("apparmor=") || option.hasPrefix("apparmor:") else { return nil }
        let profile = String(option.dropFirst("apparmor=".count))
        return profile == "unconfined" || profile.isEmpty ? nil : profile
    }

    private func sysctls(_ service: Service) -> [PreflightFinding] {
        service.sysctls.keys.sorted().filter(facts.features.unknownSysctls.contains).map { key in
            PreflightFinding(
                .kernelLacks, service: service.name, at: .service(service.name, "sysctls", key),
                "this kernel has no parameter \(key)", hint: "`sysctl -a` lists them")
        }
    }

    /// Attributes that select a namespace.
    private func modes(_ service: Service) -> [PreflightFinding] {
        let attributes: [(name: String, value: String?, words: [String], canJoin: Bool)] = [
            ("pid", service.pid, ["host"], true),
            ("ipc", service.ipc, ["host", "private", "shareable", "none"], true), ("uts", service.uts, ["host"], false),
            ("cgroup", service.cgroup, ["host", "private"], false),
        ]
        return attributes.compactMap { name, value, words, canJoin in
            guard let value, !value.isEmpty, !words.contains(value) else { return nil }
            if canJoin, value.hasPrefix("service:") || value.hasPrefix("container:") { return nil }
            let known = words + (canJoin ? ["service:NAME", "container:NAME"] : [])
            return PreflightFinding(
                .optionInvalid, service: service.name, at: .service(service.name, name),
                "\(name) cannot be \"\(value)\"", hint: "use one of \(known.joined(separator: ", "))")
        }
    }

    private func hostname(_ service: Service) -> [PreflightFinding] {
        guard service.uts == "host", service.hostname != nil else { return [] }
        return [
            PreflightFinding(
                .optionInvalid, service: service.name, at: .service(service.name, "hostname"),
                "hostname has no effect with `uts: host`: the container has the host's name",
                hint: "remove one of them")
        ]
    }

    /// Containers outside of the project that a service refers to.
    private func strangers(_ service: Service) -> [PreflightFinding] {
        var wanted: [(path: AttributePath, container: String)] = []
        func add(_ value: String?, _ path: AttributePath) {
            guard let value, value.hasPrefix("container:") else { return }
            wanted.append((path, String(value.dropFirst("container:".count).prefix { $0 != ":" })))
        }
        if case .container(let name) = service.networkMode {
            add("container:\(name)", .service(service.name, "network_mode"))
        }
        add(service.pid, .service(service.name, "pid"))
        add(service.ipc, .service(service.name, "ipc"))
        for (index, entry) in service.volumesFrom.enumerated() {
            add(entry, AttributePath.service(service.name, "volumes_from").appending(index))
        }
        return wanted.filter { facts.missingContainers.contains($0.container) }.map { path, container in
            PreflightFinding(
                .containerMissing, service: service.name, at: path, "there is no container \(container)",
                hint: "start it first; `berth ps -a` in its project shows it")
        }
    }

    private func cgroupParent(_ service: Service) -> [PreflightFinding] {
        guard let parent = service.cgroupParent,
            parent.utf8.split(separator: UInt8(ascii: "/")).contains(where: {
                [".", ".."].contains(String(decoding: $0, as: UTF8.self))
            })
        else { return [] }
        return [
            PreflightFinding(
                .optionInvalid, service: service.name, at: .service(service.name, "cgroup_parent"),
                "cgroup_parent \"\(parent)\" leads out of the cgroups", hint: "name a cgroup below the root")
        ]
    }
}
