import Glibc
import Linux

/// Network, mount and process namespaces that live until `end`, held by a small shell as their first process.
///
/// Its standard input is a pipe of ours: should the tests die, it ends and the kernel kills all that was started inside.
final class Namespaces: Sendable {
    /// The first process, as the host sees it.
    let first: pid_t
    private let launcher: pid_t
    private let life: OwnedFD

    /// With an interface `lan` of 198.51.100.1, beside the loopback.
    private static let script = """
        ip link set lo up && ip link add lan type veth peer name lan0 && ip addr add 198.51.100.1/24 dev lan &&
        ip link set lan up && ip link set lan0 up && echo ready && cat >/dev/null
        exit 0
        """

    init() throws {
        var input = try DescriptorPair.pipe()
        var output = try DescriptorPair.pipe()
        let theirInput = input.takeFirst()
        let ready = output.takeFirst()
        do {
            let theirOutput = output.takeSecond()
            launcher = try spawnProcess(
                "/usr/bin/unshare",
                arguments: [
                    "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation",
                    "private", "/bin/sh", "-c", Self.script,
                ],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], folder: "/",
                descriptors: [0: theirInput.raw, 1: theirOutput.raw, 2: STDERR_FILENO])
        }
        life = input.takeSecond()
        let line = try ready.readSome(limit: 64)
        guard !line.isEmpty, let child = try Self.child(of: launcher) else {
            waitpid(launcher, nil, 0)
            throw SyscallError(call: "unshare", object: "namespaces of a world", code: .notPermitted)
        }
        first = child
    }

    private static func child(of parent: pid_t) throws -> pid_t? {
        try folderEntries("/proc").compactMap { pid_t($0) }.first { pid in
            (try? ProcessStatus(of: pid))?.parent == parent
        }
    }

    /// Words before a command that make it run inside, in `folder`.
    func entering(_ folder: String) -> [String] {
        ["nsenter", "--target", "\(first)", "--net", "--mount", "--pid", "--", "/usr/bin/env", "--chdir", folder]
    }

    /// Kills everything inside.
    func end() {
        kill(first, SIGKILL)
        waitpid(launcher, nil, 0)
    }
}
