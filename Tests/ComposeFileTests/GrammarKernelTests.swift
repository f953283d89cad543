import ComposeFile
import Testing
import YAML

@Suite("Names that the kernel gives") struct GrammarKernelTests {
    @Test(
        "what no kernel has is refused where it stands, with what to write",
        arguments: [
            (
                "sysctls: {«net..core.somaxconn»: 1}", "'net..core.somaxconn' is not the name of a kernel parameter",
                "write net.core.somaxconn"
            ),
            (
                "sysctls: {«net/../kernel/printk»: 1}", "'net/../kernel/printk' is not the name of a kernel parameter",
                "write net.kernel.printk"
            ),
            (
                "sysctls: {«\"net core\"»: 1}", "'net core' is not the name of a kernel parameter", "write net.core"
            ),
            ("ulimits: {«nofiles»: 1}", "there is no resource limit 'nofiles'", "did you mean 'nofile'?"),
            (
                "ulimits: {«RLIMIT_NOFILE»: {soft: 1, hard: 2}}", "there is no resource limit 'RLIMIT_NOFILE'",
                "did you mean 'nofile'?"
            ),
            (
                "device_cgroup_rules: [«\"c 1:3\"»]", "'c 1:3' is not a device rule",
                "write the kind (c, b or a), the numbers and any of r, w and m: c 1:3 rwm, c 188:* rw"
            ),
            ("device_cgroup_rules: [«\"x 1:3 r\"»]", "'x 1:3 r' is not a device rule", nil),
            ("device_cgroup_rules: [«\"c 1:a r\"»]", "'c 1:a r' is not a device rule", nil),
            ("device_cgroup_rules: [«\"c  1:3 r\"»]", "'c  1:3 r' is not a device rule", nil),
            ("ipc: «hosts»", "'hosts' is not a valid IPC namespace", "did you mean 'host'?"),
            (
                "ipc: «mine»", "'mine' is not a valid IPC namespace",
                "write none, private, shareable, host, service:NAME or container:NAME"
            ),
            ("pid: «\"container:\"»", "a name is missing after 'container:'", "name one: container:NAME"),
            ("pid: «private»", "'private' is not a valid PID namespace", nil),
            ("uts: «hst»", "'hst' is not a valid UTS namespace", "did you mean 'host'?"),
            ("uts: «container»", "'container' is not a valid UTS namespace", "write host, or leave it out"),
            (
                "networks: {default: {interface_name: «a/b»}}", "'a/b' is not a valid interface name",
                "write one without spaces, '/' and ':': eth1"
            ),
            (
                "networks: {default: {interface_name: «\"a b\"»}}", "'a b' is not a valid interface name", nil
            ),
            (
                "networks: {default: {interface_name: «sixteen-letters-»}}",
                "'sixteen-letters-' is too long for an interface's name: 16 bytes, 15 at most",
                "write a shorter one: eth1"
            ),
            (
                "volumes: [{type: bind, source: /a, target: /b, bind: {propagation: «rshred»}}]",
                "'rshred' is not a valid mount propagation", "did you mean 'rshared'?"
            ),
            (
                "volumes: [{type: volume, target: /b, volume: {subpath: «/a»}}]",
                "'/a' starts with '/': a subpath is relative to the mounted volume or image", "write a"
            ),
            (
                "volumes: [{type: image, source: i, target: /b, image: {subpath: «a/../../b»}}]",
                "'a/../../b' leads out of the mounted volume or image", "write a path without '..'"
            ),
        ] as [(String, String, String?)])
    func refused(_ marked: String, _ message: String, _ hint: String?) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }

    @Test(
        "a capability that no kernel is known to have is refused only when the project is brought up",
        arguments: [
            ("cap_add: [KILL, NET_ADMN]", "'NET_ADMN' is not a capability", "did you mean 'NET_ADMIN'?"),
            ("cap_drop: [alll]", "'alll' is not a capability", "did you mean 'ALL'?"),
            (
                "cap_add: [root]", "'root' is not a capability",
                "write a name of `man 7 capabilities`, as NET_ADMIN, or ALL"
            ),
        ])
    func capability(_ text: String, _ message: String, _ hint: String) throws {
        let result = try loaded("services: {a: {image: i, \(text)}}")
        #expect(result.diagnostics.isEmpty)
        let found = result.built().unsupported
        #expect(found.map(\.message) == [message] && found.map(\.hint) == [hint])
        #expect(found.first?.path?.hasPrefix("services.a.cap_") == true)
    }
}
