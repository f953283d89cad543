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
                "depend on each other", "cannot extend itself", "is taken by another service", "is mounted on '",
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
                "is no duration", "is no size", "is no restart policy", "is no pull policy", "is no device",
                "is no IP address", "cannot be split into words", "is no number from 0 to 65535",
                "is none of tcp, udp and sctp", "the container's port is", "host ports (",
                "an empty part between colons",
                "has too many colons", "the volume is empty", "the address of '", "a host name is missing",
                "ends in a blank", "starts with \"CMD\"", "expected true or false, found '",
                "expected NAME=VALUE, found '", "is no SSH key", "expected an integer, found '",
                "expected a number, found '", "expected a whole number of bytes", "is no absolute path",
                "is no reference of an image", "is no host name", "is no domain name", "is no name of a host",
                "is no search domain", "is no port of the container", "is no signal", "is no user", "is no group",
                "is no container name", "is no name of a volume", "is no CPU and", "is no hardware address",
                "is no subnet", "has no length", "no number from 1 to 65535", "runs backwards",
                "is no size to the kernel", "is no option of a memory file system", "is no mode",
                "is no permission for a device", "stands where the path", "is no condition of a restart",
                "is negative", "less than a millisecond", "is no IPv4 address", "is no IPv6 address",
                "is no number of a user", "the alias is empty", "the group is empty", "64 at most are possible",
                "a name is missing before '='", "no command follows", "is a command of the shell",
                "a list in quotes is one text", "is no platform", "expected 0 or more",
                "is no name of a kernel parameter",
                "there is no resource limit", "is no rule for devices", "is no IPC namespace", "is no PID namespace",
                "is no UTS namespace", "a name is missing after", "is no name of an interface",
                "too long for an interface's name", "is no propagation of mounts", "a subpath is below what is mounted",
                "leads out of what is mounted", "has an address and one port",
            ]
        ),
        ("substitutions are text to a schema", ["is no valid substitution", "the variable U is required"]),
        (
            "other files are not seen",
            [
                "cannot read ", "a quote that is opened here", "a key cannot contain a blank",
                "expected 'raw' as format, found '",
            ]
        ),
        (
            "the file alone does not make a project",
            ["no project name can be made of '", "the project's name is empty", "the Compose file is empty"]
        ),
    ]
}
