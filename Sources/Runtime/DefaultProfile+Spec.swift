import OCI

extension DefaultProfile {
    /// A runtime spec with all defaults, for `arguments` as root in the bundle's `rootfs`.
    package static func spec(
        arguments: [String] = ["sh"], hostname: String = "berth", terminal: Bool = true
    ) -> RuntimeSpec {
        var process = RuntimeSpec.Process(
            args: arguments,
            env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
                + (terminal ? ["TERM=xterm"] : []))
        process.terminal = terminal
        process.capabilities = capabilitySets(capabilities, uid: 0)
        process.noNewPrivileges = true
        var linux = RuntimeSpec.Linux()
        linux.namespaces = namespaces()
        linux.maskedPaths = maskedPaths
        linux.readonlyPaths = readonlyPaths
        linux.seccomp = seccomp(capabilities: capabilities)
        var resources = RuntimeSpec.Resources()
        resources.devices = deviceRules
        linux.resources = resources
        var spec = RuntimeSpec()
        spec.process = process
        spec.root = RuntimeSpec.Root(path: "rootfs")
        spec.hostname = hostname
        spec.mounts = mounts()
        spec.linux = linux
        return spec
    }
}
