/// Which options of which verb take a value, and their short names.
///
/// The verbs' declarations say the same; asking the parser for them would cost every command several milliseconds. A test holds
/// the two together, so an option that is added to a verb and forgotten here does not pass.
package struct OptionForms: Sendable {
    /// Short names of flags.
    let flags: String
    /// Short names of options with a value, and their long names.
    let values: [Character: String]

    init(_ flags: String = "", _ values: [Character: String] = [:]) {
        self.flags = flags + "h"
        self.values = values
    }

    /// Of the verb, or of the verb inside a group: `up`, `image ls`.
    package static func of(_ verb: String) -> OptionForms { byVerb[verb] ?? OptionForms() }

    package var shortFlags: Set<Character> { Set(flags) }
    package var shortValues: [Character: String] { values }

    /// Long names of all options with a value; none of them is a flag in another verb.
    package static let valued: Set<String> = globalValues.union([
        "--attach", "--aux-address", "--cap-add", "--cap-drop", "--change", "--driver", "--entrypoint", "--env",
        "--env-from-file", "--gateway", "--ip-range", "--ipam-driver", "--opt", "--subnet",
        "--exit-code-from", "--filter", "--format", "--hash", "--index", "--input", "--label", "--message", "--name",
        "--no-attach", "--output", "--platform", "--policy", "--protocol", "--publish", "--pull", "--rmi", "--scale",
        "--signal", "--since", "--status", "--tail", "--timeout", "--until", "--user", "--volume", "--wait-timeout",
        "--workdir",
    ])

    /// Options of every verb.
    static let globalValues: Set<String> = [
        "--file", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--progress",
        "--parallel",
    ]
    static let globalFlags: Set<String> = ["--dry-run", "--compatibility", "--all-resources", "--verbose", "--no-ansi"]
    /// Short names of options of every verb, unless the verb has one of its own by that letter.
    static let globalShorts: [Character: String] = ["f": "--file", "p": "--project-name"]

    private static let timeout: [Character: String] = ["t": "--timeout"]
    private static let inspect = OptionForms("", ["f": "--format"])
    private static let create = OptionForms("", ["d": "--driver", "o": "--opt"])

    private static let byVerb: [String: OptionForms] = [
        "up": OptionForms("Vdwy", timeout),
        "down": OptionForms("v", timeout),
        "create": OptionForms("y"),
        "stop": OptionForms("", timeout),
        "restart": OptionForms("", timeout),
        "kill": OptionForms("", ["s": "--signal"]),
        "rm": OptionForms("afsv"),
        "run": OptionForms(
            "PTdiqt",
            ["e": "--env", "l": "--label", "p": "--publish", "u": "--user", "v": "--volume", "w": "--workdir"]),
        "exec": OptionForms("Tdit", ["e": "--env", "u": "--user", "w": "--workdir"]),
        "ps": OptionForms("aq"),
        "logs": OptionForms("ft", ["n": "--tail"]),
        "images": OptionForms("q"),
        "volumes": OptionForms("q"),
        "ls": OptionForms("aq"),
        "plan": OptionForms("y"),
        "config": OptionForms("q", ["o": "--output"]),
        "convert": OptionForms("q", ["o": "--output"]),
        "version": inspect,
        "pull": OptionForms("q"),
        "image ls": OptionForms("q"), "image list": OptionForms("q"),
        "image pull": OptionForms("q"),
        "image prune": OptionForms("af"), "volume prune": OptionForms("af"), "network prune": OptionForms("f"),
        "image import": OptionForms("q", ["c": "--change", "m": "--message"]),
        "image load": OptionForms("q", ["i": "--input"]),
        "image rm": OptionForms("f"), "image remove": OptionForms("f"),
        "image inspect": inspect,
        "volume ls": OptionForms("q"), "volume list": OptionForms("q"),
        "volume inspect": inspect,
        "volume rm": OptionForms("f"), "volume remove": OptionForms("f"),
        "volume create": create, "network create": create,
        "network ls": OptionForms("q"), "network list": OptionForms("q"),
        "network inspect": inspect,
        "network rm": OptionForms("f"), "network remove": OptionForms("f"),
    ]
}
