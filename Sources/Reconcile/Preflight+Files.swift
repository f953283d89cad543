import ProjectModel

extension Preflight {
    /// Binds, secrets and configs whose source is not there.
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
                        "\(source) does not exist: an empty folder owned by root is made for \(mount.target)")
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
            hint: "is it on a network file system whose server is away? `findmnt --target \(path)` tells")
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
                    hint: "make the file, or change \(kind)s.\(key).file")
            ]
        case .file(let path) where facts.silentPaths.contains(path):
            [silent(path, service, AttributePath("\(kind)s", key, "file"))]
        case .external:
            [
                PreflightFinding(
                    .externalFileObject, service: service, at: AttributePath("\(kind)s", key, "external"),
                    "\(kind) \(key) is external, and there is no store of \(kind)s",
                    hint: "give \(kind)s.\(key) a file, an environment or a content")
            ]
        case .file, .content, .held: []
        }
    }
}

extension PreflightFinding {
    /// Why the bind of a missing `source` cannot be had: an empty folder in the place of a socket keeps the program that makes the socket
    /// from listening, long after the container is gone. nil for the path of anything else.
    package static func missingSocket(
        _ source: String, of service: String, at path: AttributePath? = nil
    ) -> PreflightFinding? {
        let name = source.split(separator: "/").last ?? ""
        guard name.hasSuffix(".sock") || name.hasSuffix(".socket") || name.hasSuffix("_socket") else { return nil }
        let isDockers = name == "docker.sock"
        return PreflightFinding(
            .socketMissing, service: service, at: path,
            "\(source) does not exist, and no folder is made in its place: the program that listens there could not start any more",
            hint: isDockers
                ? "nobody serves Docker's API here: `docker-socket` in the engine's configuration switches it on; where Docker runs, start it first"
                : "start the program that listens there first, or take the bind away")
    }
}
