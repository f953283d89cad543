/// The options of each verb that take a value, and their short names.
///
/// The verbs' declarations contain the same, but asking the parser for them would cost every command several
/// milliseconds. A test compares both and fails if a new option is missing here.
package struct OptionForms: Sendable {
    /// Short names of flags.
    let flags: String
    /// Short names of options with a value, and their long names.
    let values: [Character: String]

    /// Long names that are flags of this verb, although other verbs have an option with a value by that name.
    package let longFlags: Set<String>

    init(_ flags: String = "", _ values: [Character: String] = [:], longFlags: Set<String> = []) {
        self.flags = flags + "h"
        self.values = values
        self.longFlags = longFlags
    }

    /// For a verb, or a verb inside a group: `up`, `image ls`.
    package static func of(_ verb: String) -> OptionForms { byVerb[verb] ?? OptionForms() }

    package var shortFlags: Set<Character> { Set(flags) }
    package var shortValues: [Character: String] { values }

    /// Long names of all options with a value. If one is a flag of some verb, that verb's `longFlags` has it.
    package static let valued: Set<String> = globalValues.union([
        "--attach", "--detach-keys", "--aux-address", "--cap-add", "--cap-drop", "--change", "--driver", "--entrypoint",
        "--env",
        "--env-from-file", "--gateway", "--ip-range", "--ipam-driver", "--opt", "--subnet",
        "--alias", "--driver-opt", "--gw-priority", "--ip", "--ip6", "--link-local-ip",
        "--network", "--restart", "--exit-code-from", "--filter", "--format", "--hash", "--index", "--input", "--label",
        "--message", "--name",
        "--no-attach", "--output", "--platform", "--policy", "--protocol", "--publish", "--pull", "--rmi", "--scale",
        "--signal", "--since", "--status", "--tail", "--timeout", "--to", "--until", "--user", "--volume",
        "--wait-timeout",
        "--workdir", "--add-host", "--allow", "--author", "--build-arg", "--build-context", "--builder", "--cache-from",
        "--cache-to", "--dockerfile",
        "--iidfile",
        "--keep-storage",
        "--memory", "--network", "--no-cache-filter", "--provenance", "--sbom", "--secret", "--ssh", "--tag",
        "--target", "--annotation", "--attest", "--metadata-file", "--certs", "--client", "--days", "--host",
    ])

    /// Options of every verb.
    static let globalValues: Set<String> = [
        "--file", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--progress",
        "--parallel",
    ]
    static let globalFlags: Set<String> = ["--dry-run", "--compatibility", "--all-resources", "--verbose", "--no-ansi"]
    /// Short names of options of every verb, unless a verb has its own option with that letter.
    static let globalShorts: [Character: String] = ["f": "--file", "p": "--project-name"]

    private static let timeout: [Character: String] = ["t": "--timeout"]
    private static let inspect = OptionForms("", ["f": "--format"])
    private static let create = OptionForms("", ["d": "--driver", "o": "--opt"])

    private static let container: [Character: String] = [
        "e": "--env", "l": "--label", "p": "--publish", "u": "--user", "v": "--volume", "w": "--workdir",
    ]

    private static let byVerb: [String: OptionForms] = [
        "up": OptionForms("Vdwy", timeout),
        "down": OptionForms("v", timeout),
        "create": OptionForms("y"),
        "stop": OptionForms("", timeout),
        "restart": OptionForms("", timeout),
        "kill": OptionForms("", ["s": "--signal"]),
        "rm": OptionForms("afsv"),
        "run": OptionForms("PTdiqt", container),
        "exec": OptionForms("Tdit", ["e": "--env", "u": "--user", "w": "--workdir"]),
        "cp": OptionForms("aL"),
        "stats": OptionForms("a"), "container stats": OptionForms("a"),
        "export": OptionForms("", ["o": "--output"]),
        "commit": OptionForms("", ["a": "--author", "c": "--change", "m": "--message"]),
        "ps": OptionForms("aq"),
        "logs": OptionForms("ft", ["n": "--tail"]),
        "images": OptionForms("q"),
        "volumes": OptionForms("q"),
        "ls": OptionForms("aq"),
        "plan": OptionForms("y"),
        "explain": OptionForms("", ["n": "--tail"]),
        "build": OptionForms("q", ["m": "--memory"], longFlags: ["--pull"]),
        "image build": OptionForms(
            "q", ["f": "--dockerfile", "l": "--label", "o": "--output", "t": "--tag"], longFlags: ["--pull"]),
        "builder prune": OptionForms("af"),
        "config": OptionForms("q", ["o": "--output"]),
        "convert": OptionForms("q", ["o": "--output"]),
        "version": inspect,
        "pull": OptionForms("q"), "push": OptionForms("q"),
        "container ls": OptionForms("aq"), "container list": OptionForms("aq"),
        "container run": OptionForms("dit", container), "container create": OptionForms("it", container),
        "container stop": OptionForms("", timeout), "container restart": OptionForms("", timeout),
        "container kill": OptionForms("", ["s": "--signal"]),
        "container rm": OptionForms("fv"), "container remove": OptionForms("fv"),
        "container export": OptionForms("", ["o": "--output"]),
        "container logs": OptionForms("ft", ["n": "--tail"]),
        "container inspect": OptionForms("s", ["f": "--format"]), "container prune": OptionForms("f"),
        "system df": OptionForms("v"), "system prune": OptionForms("af"),
        "system info": OptionForms("", ["f": "--format"]),
        "image ls": OptionForms("aq"), "image list": OptionForms("aq"),
        "image pull": OptionForms("q"), "image push": OptionForms("aq"),
        "image prune": OptionForms("af"), "volume prune": OptionForms("af"), "network prune": OptionForms("f"),
        "image import": OptionForms("q", ["c": "--change", "m": "--message"]),
        "image save": OptionForms("", ["o": "--output"]),
        "image load": OptionForms("q", ["i": "--input"]),
        "image rm": OptionForms("f"), "image remove": OptionForms("f"),
        "image inspect": inspect,
        "volume ls": OptionForms("q"), "volume list": OptionForms("q"),
        "volume inspect": inspect,
        "volume rm": OptionForms("f"), "volume remove": OptionForms("f"),
        "volume create": create, "network create": create,
        "network disconnect": OptionForms("f"),
        "network ls": OptionForms("q"), "network list": OptionForms("q"),
        "network inspect": inspect,
        "network rm": OptionForms("f"), "network remove": OptionForms("f"),
    ]
}
