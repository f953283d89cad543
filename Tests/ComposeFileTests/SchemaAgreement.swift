import ComposeFile
import JSON
import Testing
import YAML

/// The schema and the loader accept and refuse the same files, but for what a schema cannot say.
enum SchemaAgreement {
    private static let checker = SchemaChecker(composeSchema())

    /// Expects both verdicts on one file to be the same, once what no schema can find is left out of the loader's.
    static func expect(_ text: String, errors: [Diagnostic], _ title: String) {
        let parsed = parse(Array(text.utf8), file: 0)
        guard parsed.problems.isEmpty, parsed.documents.count == 1, let document = parsed.documents.first,
            document.mapping != nil
        else { return }
        let structural = errors.filter { $0.severity == .error && !isBeyondASchema($0.message) }
        let problems = checker.problems(document)
        let hasErrors = errors.contains { $0.severity == .error }
        // What the loader says of a text's grammar, the schema may find as well.
        guard problems.isEmpty ? !structural.isEmpty : !hasErrors else { return }
        Issue.record("\(title)\nthe loader: \(structural.map(\.message))\nthe schema: \(problems)\n\(text)")
    }

    private static func isBeyondASchema(_ message: String) -> Bool {
        beyondASchema.contains { row in row.messages.contains { message.contains($0) } }
    }

    /// Why a schema is silent, and what the loader's messages then say.
    private static let beyondASchema: [(reason: String, messages: [String])] = [
        (
            "a name is right when something of that name stands elsewhere",
            [
                "there is no service '", "there is no volume '", "there is no network '", "there is no secret '",
                "there is no config '", "there is no model '", "is disabled: it belongs to a profile",
                "the service 'a' has no 'build'", "is missing: which",
            ]
        ),
        (
            "several parts of the project are right one by one and wrong together",
            [
                "depend on each other", "cannot extend itself", "is taken by another service",
                "is already mounted on '",
                "' differ", "exclude each other", "replicas: names are unique", "is not among 'build.platforms'",
                "an external volume has no '", "has no source: one of",
            ]
        ),
        (
            "an attribute may be left out here because another file, a base or a short form gives it",
            [
                "has neither 'image' nor 'build'", "a volume needs 'target'", "a bind mount needs 'source'",
                "a port needs 'target'", "the action 'sync' needs 'target'",
            ]
        ),
        (
            "a text has a grammar, and may hold a substitution that makes it right",
            [
                "is not a duration", "is not a size", "is not a restart policy", "is not a pull policy",
                "is not a device",
                "is not an IP address", "cannot be split into words", "is not a number from 0 to 65535",
                "is not tcp, udp or sctp", "the container's port is", "host ports (",
                "an empty part between colons",
                "has too many colons", "the volume is empty", "the address of '", "a host name is missing",
                "ends with a space", "starts with \"CMD\"", "expected true or false, found '",
                "expected NAME=VALUE, found '", "is not an SSH key", "expected an integer, found '",
                "expected a number, found '", "expected a whole number of bytes", "is not an absolute path",
                "is not an image reference", "is not a valid image name", "is not a host name", "is not a domain name",
                "is not a host name",
                "is not a search domain", "is not a port of the container", "is not a signal", "is not a user",
                "is not a group",
                "is not a container name", "is not a volume name", "is not a CPU or", "is not a hardware address",
                "is not a subnet", "has no length", "not a number from 1 to 65535", "runs backwards",
                "is not a size that the kernel accepts", "is not an option of a memory file system", "is not a mode",
                "is not a valid mode", "is not a valid IP address",
                "is not a device permission", "stands where the path", "is not a valid restart condition",
                "is negative", "less than a millisecond", "is not a valid IPv4 address", "is not a valid IPv6 address",
                "is not the number of a user", "the alias is empty", "the group is empty", "at most 64 are allowed",
                "a name is missing before '='", "no command follows", "runs in a shell, and",
                "a list in quotes is one text", "is not a platform", "expected 0 or more",
                "is not the name of a kernel parameter",
                "there is no resource limit", "is not a device rule", "is not a valid IPC namespace",
                "is not a valid PID namespace",
                "is not a valid UTS namespace", "a name is missing after", "is not a valid interface name",
                "too long for an interface's name", "is not a valid mount propagation",
                "a subpath is relative to the mounted volume or image",
                "leads out of the mounted volume or image", "has an address and one port",
            ]
        ),
        ("substitutions are text to a schema", ["is not a valid substitution", "the variable U is required"]),
        (
            "other files are not seen",
            [
                "cannot read ", "a quote that is opened here", "a key cannot contain a space",
                "expected 'raw' as format, found '",
            ]
        ),
        (
            "the file alone does not make a project",
            ["no project name can be made of '", "the project's name is empty", "the Compose file is empty"]
        ),
    ]
}
