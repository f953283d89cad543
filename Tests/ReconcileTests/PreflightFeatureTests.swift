import ProjectModel
import Reconcile
import Testing

@Suite struct PreflightFeatureTests {
    static func service(_ edit: @escaping @Sendable (inout Service) -> Void) -> Scene {
        Scene().wanting("web", .running, edit)
    }
    static func network(_ edit: (inout NetworkDefinition) -> Void) -> Scene {
        Scene().wanting("web", on: ["front"]).with { scene in
            guard var definition = scene.desired.networks["front"] else { return }
            edit(&definition)
            scene.desired.networks["front"] = definition
        }
    }
    static func volume(_ options: [String: String], driver: String? = nil) -> Scene {
        Scene().wanting("db", mounting: "data").with {
            $0.desired.volumes["data"]?.driver = driver
            $0.desired.volumes["data"]?.driverOptions = options
        }
    }

    @Test(arguments: rows) func finds(_ row: PreflightCase) {
        let outcome = zip(row.paths(), row.outcome().split(separator: "\n")).map { path, text in
            (path.map { "\($0) " } ?? "") + text
        }.joined(separator: "\n")
        #expect(outcome == row.findings, "\(row.claim):\n\(outcome)")
    }

    static let rows: [PreflightCase] = [
        PreflightCase(
            "a name of its own where the host's is wanted",
            service {
                $0.uts = "host"
                $0.hostname = "web"
            },
            findings: """
                services.web.hostname error optionInvalid web: hostname has no effect with `uts: host`: the container has \
                the host's name; remove one of them
                """),
        PreflightCase(
            "a driver that berth does not have", network { $0.driver = "overlay" },
            findings: """
                networks.front.driver error driverUnsupported: network demo_front: there is no driver "overlay", only \
                "bridge", "macvlan", "ipvlan"; remove the driver: a network covers only one machine
                """),
        PreflightCase(
            "drivers that share an interface of the host, and what the kernel or the host lacks for them",
            network {
                $0.driver = "macvlan"
                $0.driverOptions = ["parent": "eth0.7", "macvlan_mode": "fast"]
            },
            {
                $0.features.unknownLinks = ["bridge", "vlan"]
                $0.features.missingInterfaces = ["eth0.7"]
            },
            findings: """
                networks.front.driver_opts.macvlan_mode error optionInvalid: network demo_front: "fast" is not a value of macvlan_mode; \
                use one of bridge, private, vepa, passthru
                networks.front.driver_opts.parent error optionInvalid: network demo_front: this host has no interface eth0.7; \
                `ip link` lists them
                networks.front error kernelLacks: network demo_front: this kernel cannot create interfaces of type "vlan"; \
                `modprobe 8021q` loads it if it is installed; `network_mode: host` needs none
                """),
        PreflightCase("the driver that there is", network { $0.driver = "bridge" }, findings: ""),
        PreflightCase(
            "a network that is there already is not judged anew",
            network { $0.driver = "overlay" }.having("web"), findings: ""),
        PreflightCase(
            "who gives the addresses",
            network {
                var ipam = IPAMDefinition()
                ipam.driver = "dhcp"
                $0.ipam = ipam
            },
            findings: """
                networks.front.ipam.driver error driverUnsupported: network demo_front: there is no address driver \
                "dhcp", berth gives addresses itself; remove it; `ipam.config` chooses the subnets
                """),
        PreflightCase(
            "a size of packets that is none",
            network { $0.driverOptions["com.docker.network.driver.mtu"] = "big" },
            findings: """
                networks.front.driver_opts["com.docker.network.driver.mtu"] error optionInvalid: network demo_front: \
                "big" is not a valid MTU; such as 1450, 68 to 65535
                """),
        PreflightCase(
            "IPv6 where there is none", network { $0.enableIPv6 = true }, { $0.features.hasIPv6 = false },
            findings: """
                networks.front.enable_ipv6 error kernelLacks: network demo_front: this kernel has no IPv6; remove it, or start the kernel \
                without ipv6.disable=1
                """),
        PreflightCase(
            "a kernel without bridges", network { _ in }, { $0.features.unknownLinks = ["bridge"] },
            findings: """
                networks.front error kernelLacks: network demo_front: this kernel cannot create interfaces of type \
                "bridge"; `modprobe bridge` loads it if it is installed; `network_mode: host` needs none
                """),
        PreflightCase(
            "a volume's driver", volume([:], driver: "rexray"),
            findings: """
                volumes.data.driver error driverUnsupported: volume demo_data: there is no driver "rexray", only \
                "local"; the local driver mounts NFS, CIFS and folders too: driver_opts type, device and o
                """),
        PreflightCase(
            "a volume whose name leads elsewhere",
            volume([:]).with { $0.desired.volumes["data"]?.name = "../../../srv" },
            findings: """
                volumes.data.name error optionInvalid: "../../../srv" cannot be the name of a volume; use letters, digits, _, . and -, a \
                letter or digit first
                """),
        PreflightCase(
            "a volume named like a hidden file",
            volume([:]).with { $0.desired.volumes["data"]?.name = ".." },
            findings: """
                volumes.data.name error optionInvalid: ".." cannot be the name of a volume; use letters, digits, _, . and -, a \
                letter or digit first
                """),
        PreflightCase(
            "a volume's options", volume(["size": "1g", "typ": "nfs"]),
            findings: """
                volumes.data.driver_opts.size error optionInvalid: volume demo_data: the driver option "size" is \
                unknown; the local driver has type, device and o
                volumes.data.driver_opts.typ error optionInvalid: volume demo_data: the driver option "typ" is \
                unknown; the local driver has type, device and o
                """),
        PreflightCase(
            "a volume of nothing", volume(["type": "nfs"]),
            findings: """
                volumes.data.driver_opts error optionInvalid: volume demo_data: driver_opts need `device`, the \
                source of the mount; for memory: {type: tmpfs, device: tmpfs}; for a folder: {type: none, o: bind, device: /path}
                """),
        PreflightCase(
            "a file system that the kernel does not have", volume(["type": "zfs", "device": "tank/data"]),
            { $0.features.unknownFileSystems = ["zfs"] },
            findings: """
                volumes.data.driver_opts.type error kernelLacks: volume demo_data: this kernel has no file system \
                "zfs"; `modprobe zfs` loads it if it is installed; /proc/filesystems lists the supported ones
                """),
        PreflightCase(
            "a folder that is not there", volume(["type": "none", "o": "bind", "device": "/srv/data"]),
            { $0.missingPaths = ["/srv/data"] },
            findings: """
                volumes.data.driver_opts.device error bindSourceMissing: volume demo_data: /srv/data does not exist; \
                `mkdir -p /srv/data`
                """),
        PreflightCase(
            "programs for another processor", service { $0.platform = "linux/arm64" },
            {
                $0.features.platform = "linux/amd64"
                $0.features.foreignPlatforms = ["linux/arm64"]
            },
            findings: """
                services.web.platform error platformForeign web: programs for linux/arm64 do not run on this machine, \
                which is linux/amd64; remove `platform`, or install an emulator (`apt install qemu-user-static`)
                """),
        PreflightCase(
            "programs that an emulator runs", service { $0.platform = "linux/arm64" },
            { $0.features.platform = "linux/amd64" }, findings: ""),
        PreflightCase(
            "AppArmor where there is none",
            service { $0.securityOptions = ["no-new-privileges", "apparmor=strict"] },
            { $0.features.appArmor = .absent },
            findings: """
                services.web.security_opt[1] error kernelLacks web: the AppArmor profile "strict" cannot be \
                enforced: AppArmor is not enabled on this machine; enable it (apparmor=1 for the kernel), or remove the option
                """),
        PreflightCase(
            "a profile that is not loaded", service { $0.securityOptions = ["apparmor:docker-defualt"] },
            { $0.features.appArmor = .enabled(["docker-default"]) },
            findings: """
                services.web.security_opt[0] error kernelLacks web: the AppArmor profile "docker-defualt" is not \
                loaded; did you mean "docker-default"? `apparmor_parser -r FILE` loads one, `aa-status` lists them
                """),
        PreflightCase(
            "no profile is no question", service { $0.securityOptions = ["apparmor=unconfined"] },
            { $0.features.appArmor = .absent }, findings: ""),
        PreflightCase(
            "profiles that cannot be listed", service { $0.securityOptions = ["apparmor=strict"] },
            { $0.features.appArmor = .enabled(nil) }, findings: ""),
        PreflightCase(
            "a parameter that the kernel does not have", service { $0.sysctls = ["net.core.somaxcon": "1"] },
            { $0.features.unknownSysctls = ["net.core.somaxcon"] },
            findings: """
                services.web.sysctls["net.core.somaxcon"] error kernelLacks web: this kernel has no parameter \
                net.core.somaxcon; `sysctl -a` lists them
                """),
        PreflightCase(
            "namespaces that are none",
            service {
                $0.pid = "hots"
                $0.ipc = "shareable"
                $0.uts = "private"
            },
            findings: """
                services.web.pid error optionInvalid web: pid cannot be "hots"; use one of host, service:NAME, \
                container:NAME
                services.web.uts error optionInvalid web: uts cannot be "private"; use one of host
                """),
        PreflightCase(
            "containers that are not there",
            service {
                $0.networkMode = .container("vpn")
                $0.pid = "container:known"
                $0.volumesFrom = ["container:old:ro"]
            }, { $0.missingContainers = ["vpn", "old"] },
            findings: """
                services.web.network_mode error containerMissing web: there is no container vpn; start it first; \
                `berth ps -a` in its project shows it
                services.web.volumes_from[0] error containerMissing web: there is no container old; start it first; \
                `berth ps -a` in its project shows it
                """),
        PreflightCase(
            "a cgroup elsewhere", service { $0.cgroupParent = "../../system.slice" },
            findings: """
                services.web.cgroup_parent error optionInvalid web: cgroup_parent "../../system.slice" leads out of \
                the cgroups; name a cgroup below the root
                """),
    ]
}
