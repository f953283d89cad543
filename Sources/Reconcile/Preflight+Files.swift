import ProjectModel

extension Preflight {
    /// Binds, secrets and configs without a source.
    func files(of service: DesiredService) -> [PreflightFinding] {
        guard isCreated(service) else { return [] }
        let name = service.spec.name
        var findings: [PreflightFinding] = []
        for (index, mount) in service.spec.volumes.enumerated() {
            let path = AttributePath.service(name, "volumes").appending(index)
            guard case .bind(let source, let createHostPath, _, _, _) = mount.kind else { continue }
            if facts.silentPaths.contains(source) { findings.append(silent(source, name, path.appending("source"))) }
            guard facts.missingPaths.contains(source) else { continue }
            if let missing = PreflightFinding.missingSocket(source, of: name, at: path.appending("source")) {
                findings.append(missing)
                continue
            }
            findings.append(
                createHostPath
                    ? PreflightFinding(
                        .bindSourceMade, service: name, at: path.appending("source"),
                        "\(source) does not exist: berth creates an empty folder owned by root for \(mount.target)")
                    : PreflightFinding(
                        .bindSourceMissing, service: name, at: path.appending("source"),
                        "\(source) does not exist, and \(mount.target) is a bind of it with create_host_path: false",
                        hint: "`mkdir -p \(source)`"))
        }
        for mount in service.spec.secrets {
            guard let secret = desired.secrets[mount.source] else { continue }
            findings += source(of: secret, "secret", mount.source, .secretFileMissing, name)
        }
        for mount in service.spec.configs {
            guard let config = desired.configs[mount.source] else { continue }
            findings += source(of: config, "config", mount.source, .configFileMissing, name)
        }
        return findings
    }

    private func silent(_ path: String, _ service: String, _ place: AttributePath) -> PreflightFinding {
        PreflightFinding(
            .hostPathSilent, service: service, at: place, "\(path) does not answer",
            hint: "if it is on a network file system, check its server: `findmnt --target \(path)` shows it")
    }

    private func source(
        of object: FileObject, _ kind: String, _ key: String, _ code: PreflightFinding.Code, _ service: String
    ) -> [PreflightFinding] {
        switch object.source {
        case .file(let path) where facts.missingPaths.contains(path):
            [
                PreflightFinding(
                    code, service: service, at: AttributePath("\(kind)s", key, "file"),
                    "the file of \(kind) \(key) does not exist: \(path)",
                    hint: "create the file, or change \(kind)s.\(key).file")
            ]
        case .file(let path) where facts.silentPaths.contains(path):
            [silent(path, service, AttributePath("\(kind)s", key, "file"))]
        case .external:
            [
                PreflightFinding(
                    .externalFileObject, service: service, at: AttributePath("\(kind)s", key, "external"),
                    "\(kind) \(key) is external, but berth has no store of \(kind)s",
                    hint: "set file, environment or content of \(kind)s.\(key)")
            ]
        case .file, .content, .held: []
        }
    }
}

extension PreflightFinding {
    /// Why a missing `source` cannot be bound: an empty folder in place of a socket would prevent a program from listening there, even
    /// long after the container is gone. nil if the path does not look like a socket.
    package static func missingSocket(
        _ source: String, of service: String, at path: AttributePath? = nil
    ) -> PreflightFinding? {
        let name = source.split(separator: "/").last ?? ""
        guard name.hasSuffix(".sock") || name.hasSuffix(".socket") || name.hasSuffix("_socket") else { return nil }
        let isDockers = name == "docker.sock"
        return PreflightFinding(
            .socketMissing, service: service, at: path,
            "\(source) does not exist. berth creates no folder there, because a folder would keep a program from listening there",
            hint: isDockers
                ? "nothing serves Docker's API here: set `docker-socket` in the engine's configuration, or start Docker first"
                : "start the program that listens there first, or remove the bind")
    }
}
