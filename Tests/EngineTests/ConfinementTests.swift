import Engine
import EngineWire
import OCI
import ProjectModel
import Testing

/// Security options, seccomp profiles and devices, as the engine understands them.
@Suite struct ConfinementTests {
    @Test("options are taken apart, with either separator, the last one counts")
    func options() throws {
        let options = try SecurityOptions([
            "no-new-privileges:true", "seccomp:unconfined", "apparmor=shop", "systempaths=unconfined", "label:disable",
        ])
        #expect(options.noNewPrivileges && options.showsSystemPaths)
        #expect(options.filter == .unconfined && options.apparmorProfile == "shop")
        #expect(try SecurityOptions(["no-new-privileges"]).noNewPrivileges)
        #expect(try !SecurityOptions(["no-new-privileges", "no-new-privileges=false"]).noNewPrivileges)
        #expect(try SecurityOptions(["apparmor:unconfined"]).apparmorProfile == nil)
        #expect(try SecurityOptions(["seccomp=builtin"]).filter == .standard)
        #expect(try SecurityOptions(["seccomp={}"]).filter == .profile("{}"))
    }

    @Test(
        "what is no option is refused",
        arguments: ["", "privileged", "seccmp=x", "no-new-privileges=maybe", "systempaths=all"])
    func unknownOption(text: String) { #expect(throws: EngineFailure.self) { try SecurityOptions([text]) } }

    static let profile = """
        {
          "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
          "archMap": [
            { "architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"] },
            { "architecture": "SCMP_ARCH_AARCH64", "subArchitectures": null }],
          "syscalls": [
            { "names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "" },
            { "name": "old", "action": "SCMP_ACT_ALLOW" },
            { "names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": { "minKernel": "4.8" } },
            { "names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_BPF"] } },
            { "names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": { "caps": ["CAP_SYS_ADMIN"], "arches": ["s390"] },
              "args": [{ "index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }] },
            { "names": ["sync_file_range2"], "action": "SCMP_ACT_ALLOW", "includes": { "arches": ["arm64"] } }]
        }
        """

    private func names(_ architecture: String, _ capabilities: Set<String>, kernel: String) throws -> [String] {
        let place = SeccompProfile.Surroundings(
            architecture: architecture, capabilities: capabilities, kernel: try #require(KernelVersion(kernel)))
        let resolved = try SeccompProfile(parsing: Self.profile).resolved(in: place)
        return (resolved.architectures ?? []) + (resolved.syscalls ?? []).flatMap(\.names)
    }

    @Test("a profile's conditions are held against machine, capabilities and kernel")
    func conditions() throws {
        #expect(
            try names("amd64", ["CAP_BPF"], kernel: "6.1.0-18-amd64") == [
                "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "read", "old", "ptrace", "bpf", "clone",
            ])
        #expect(
            try names("arm64", ["CAP_SYS_ADMIN"], kernel: "4.4") == [
                "SCMP_ARCH_AARCH64", "read", "old", "sync_file_range2",
            ])
    }

    @Test("what is no profile is refused", arguments: ["", "[]", "{}", #"{"defaultAction": 1}"#])
    func noProfile(text: String) { #expect(throws: EngineFailure.self) { try SeccompProfile(parsing: text) } }

    @Test("kernel releases are compared as numbers")
    func kernels() throws {
        #expect(try #require(KernelVersion("4.10")) > #require(KernelVersion("4.9.337")))
        #expect(KernelVersion("6.1.0-18-amd64") == KernelVersion("6.1"))
        #expect(KernelVersion("six") == nil && KernelVersion("6") == nil)
    }

    @Test("a device rule is kind, numbers and rights")
    func deviceRules() throws {
        #expect(
            try HostDevice.rule("c 10:* rw")
                == RuntimeSpec.DeviceRule(allow: true, type: "c", major: 10, minor: nil, access: "rw"))
        #expect(try HostDevice.rule("a *:* rwm").major == nil)
        for text in ["", "c 1:3", "x 1:3 r", "c 1 r", "c 1:x r", "c 1:3 q", "c -1:3 r"] {
            #expect(throws: EngineFailure.self) { try HostDevice.rule(text) }
        }
    }

    @Test("a device that is not there is an error and not left out")
    func missingDevice() throws {
        #expect(throws: EngineFailure.self) { try HostDevice.devices(.init(source: "/dev/nosuch", target: "/dev/x")) }
        #expect(throws: EngineFailure.self) { try HostDevice.devices(.init(source: "/etc/passwd", target: "/dev/x")) }
        #expect(throws: EngineFailure.self) { try HostDevice.devices(.init(source: "vendor.com/gpu=0", target: "")) }
        let null = try HostDevice.devices(.init(source: "/dev/null", target: "/dev/x", permissions: "r"))
        #expect(null.map(\.device.path) == ["/dev/x"])
        #expect(null.first?.rule == .init(allow: true, type: "c", major: 1, minor: 3, access: "r"))
    }
}
