import ComposeFile
import Testing
import YAML

@Suite("Paths, mounts, users and commands") struct GrammarPathTests {
    @Test(
        "what could never work is refused where it stands, with what to write",
        arguments: [
            (
                "volumes: [{type: tmpfs, target: /x, tmpfs: {size: «-1»}}]", "'-1' is not a size",
                "leave it out for the default, or write a size: 64m"
            ),
            (
                "volumes: [{type: tmpfs, target: /x, tmpfs: {size: «1 gigabyte»}}]", "'1 gigabyte' is not a size",
                "write 1g"
            ),
            (
                "volumes: [{type: tmpfs, target: «x»}]",
                "'x' is not an absolute path: a path in the container starts with '/'", "write /x"
            ),
            (
                "volumes: [{type: bind, source: ./a, target: «b/c»}]",
                "'b/c' is not an absolute path: a path in the container starts with '/'", "write /b/c"
            ),
            (
                "volumes: [\"./a:«b»\"]", "'b' is not an absolute path: a path in the container starts with '/'",
                "write \"./a:/b\""
            ),
            (
                "volumes: [\"«./a»\"]", "'./a' is not an absolute path: a path in the container starts with '/'",
                "write \"./a:/a\" for a folder of the host"
            ),
            (
                "volumes: [«data»]", "'data' is not an absolute path: a path in the container starts with '/'",
                "write \"data:/data\" for the volume 'data', or \"/data\" for one without a name"
            ),
            (
                "volumes: [\"./a:«~/b»\"]", "'~/b' is not an absolute path: a path in the container starts with '/'",
                "'~' has no meaning there: write the whole path, as in /root/b"
            ),
            (
                "volumes: [\"./a :« /b»\"]", "' /b' is not an absolute path: a path in the container starts with '/'",
                "write \"./a:/b\""
            ),
            (
                "volumes: [\"/a:«ro»\"]", "'ro' is not an absolute path: a path in the container starts with '/'",
                "write the path in the container, too: \"/a:/a:ro\""
            ),
            (
                "volumes: [«\"./a:/b:ro:z\"»]", "'./a:/b:ro:z' has too many colons",
                "write the options with commas: \"./a:/b:ro,z\""
            ),
            ("volumes: [«\"./a::/b\"»]", "'./a::/b' has an empty part between colons", "write \"./a:/b\""),
            (
                "tmpfs: [\"/run:«size=64mb»\"]", "'64mb' is not a size that the kernel accepts",
                "write a whole number with k, m or g, or a percentage: size=64m"
            ),
            (
                "tmpfs: «run»", "'run' is not an absolute path: the place of a memory file system starts with '/'",
                "write /run"
            ),
            (
                "tmpfs: /run:«size=64 m»", "'64 m' is not a size that the kernel accepts",
                "write a whole number with k, m or g, or a percentage: size=64m"
            ),
            ("tmpfs: /run:«size»", "'size' is not an option of a memory file system", "it needs a value: size=64m"),
            ("tmpfs: /run:«sise=64m»", "'sise' is not an option of a memory file system", "did you mean 'size=64m'?"),
            ("tmpfs: /run:«mode=0999»", "'0999' is not a mode", "write permission bits in octal: mode=1777"),
            ("tmpfs: /run:«uid=app»", "'app' is not the number of a user or group", "write its number: uid=1000"),
            ("tmpfs: /run:«noexe»", "'noexe' is not an option of a memory file system", "did you mean 'noexec'?"),
            (
                "tmpfs: /run:«nr_inodes=10x»", "'10x' is not a size that the kernel accepts",
                "write a whole number with k, m or g: nr_inodes=10m"
            ),
            (
                "tmpfs: [\"/a:size=1g\", \"/b:«size=-1»\"]", "'-1' is not a size that the kernel accepts",
                "write a whole number with k, m or g, or a percentage: size=64m"
            ),
            (
                "user: «\"a b\"»", "'a b' is not a user: it cannot contain a space",
                "write a name or number, with a group after ':' if it matters: 1000:1000"
            ),
            (
                "user: «\"$(id -u):$(id -g)\"»", "'$(id -u):$(id -g)' is not a user: no shell expands it",
                "write numbers, or \"${UID}:${GID}\" and set both in .env"
            ),
            (
                "user: \"«-1»\"", "'-1' is not the number of a user or group",
                "write a number from 0 to 2147483647: 1000:1000"
            ),
            (
                "user: \"«4294967296»\"", "'4294967296' is not the number of a user or group",
                "write a number from 0 to 2147483647: 1000:1000"
            ),
            ("group_add: [«\"a,b\"»]", "'a,b' is not a group", "write each as an item of its own: [a, b]"),
            (
                "group_add: [«-5»]", "'-5' is not the number of a user or group",
                "write a number from 0 to 2147483647: 1000:1000"
            ),
            (
                "working_dir: «app»", "'app' is not an absolute path: a path in the container starts with '/'",
                "write /app"
            ),
            (
                "working_dir: «./app»", "'./app' is not an absolute path: a path in the container starts with '/'",
                "write /app"
            ),
            (
                "working_dir: \"«~/app»\"", "'~/app' is not an absolute path: a path in the container starts with '/'",
                "'~' has no meaning there: write the whole path, as in /root/app"
            ),
            (
                "devices: [«\"/dev/a:r\"»]", "'r' stands where the path in the container is expected",
                "write \"/dev/a:/dev/a:r\""
            ),
            (
                "devices: [\"/dev/a:/dev/b:«q»\"]", "'q' is not a device permission",
                "write any of r (read), w (write) and m (make): rwm"
            ),
            (
                "devices: [\"/dev/a:«b»\"]",
                "'b' is not an absolute path: the path of a device in the container starts with '/'", "write /b"
            ),
            (
                "devices: [{source: /dev/a, target: /dev/b, permissions: «rx»}]", "'rx' is not a device permission",
                "write any of r (read), w (write) and m (make): rwm"
            ),
            ("environment: [«\"=x\"»]", "a name is missing before '='", "write NAME=VALUE: \"NAME=x\""),
        ] as [(String, String, String)])
    func refused(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }

    @Test(
        "what works and says something else than is meant is a warning",
        arguments: [
            (
                "dns_opt: [«\"ndots=5\"»]", "the resolver option 'ndots=5' is unknown and has no effect",
                "did you mean 'ndots:5'?"
            ),
            (
                "dns_opt: [«rotat»]", "the resolver option 'rotat' is unknown and has no effect",
                "did you mean 'rotate'?"
            ),
            (
                "healthcheck: {test: [CMD, «\"curl -f x\"»]}",
                "CMD uses no shell: this whole text is the name of the program",
                "write [CMD-SHELL, \"curl -f x\"], or each word as an item"
            ),
            (
                "healthcheck: {test: [CMD-SHELL, curl, «x»]}",
                "the shell runs only the first text: 'x' is not part of the command",
                "write one text after CMD-SHELL, or [CMD, …] for words"
            ),
            ("deploy: {mode: «replicate»}", "'replicate' is not a valid deployment mode", "did you mean 'replicated'?"),
            ("deploy: {endpoint_mode: «vips»}", "'vips' is not a valid endpoint mode", "did you mean 'vip'?"),
            (
                "deploy: {update_config: {failure_action: «stop»}}", "'stop' is not a valid action after a failure",
                "write continue, pause or rollback"
            ),
            (
                "environment: [«\"export A=b\"»]", "the variable name 'export A' contains a space",
                "write it without 'export ': A=b"
            ),
            (
                "command: «'[\"npm\", \"start\"]'»", "a list in quotes is one text, which is split at its spaces",
                "remove the quotes around the list"
            ),
            ("command: «“npm start”»", "typographic quotes are part of the text", "write plain quotes: \"npm start\""),
        ] as [(String, String, String)])
    func warned(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .warning, message, hint: hint)
    }
}
