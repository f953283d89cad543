import Dockerfile
import OCI
import YAML

// RUN: its command, its environment and its mounts.
extension StagePlan {
    mutating func plan(_ run: Run, _ instruction: Instruction, at place: SourceRange) throws(Mistake) {
        let declared = variables.arguments.filter { argument in
            argument.value != nil && !variables.environment.contains { $0.name == argument.name }
        }
        var arguments: [String: String] = [:]
        var names: [String] = []
        for argument in declared {
            if arguments[argument.name] == nil { names.append(argument.name) }
            arguments[argument.name] = argument.value ?? ""
        }
        // Every step gets the proxies in both spellings. They do not count for the cache, unless the file declares them.
        var hidden: [String] = []
        for name in BuildArguments.predefined.sorted() {
            guard arguments[name] == nil, !variables.environment.contains(where: { $0.name == name }),
                let value = given.given[name] ?? given.given[name.lowercased()] ?? given.given[name.uppercased()]
            else { continue }
            hidden.append("\(name)=\(value)")
        }
        for name in names where BuildArguments.predefined.contains(name) {
            hidden.append("\(name)=\(arguments[name] ?? "")")
            arguments[name] = nil
        }
        names.removeAll { arguments[$0] == nil }
        var step = RunStep(
            arguments: [], environment: variables.environment.map { "\($0.name)=\($0.value)" },
            user: execution.user ?? "", folder: execution.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/")
        step.environment += names.map { "\($0)=\(arguments[$0] ?? "")" }
        switch run.command {
        case .exec(let words): step.arguments = words
        case .shell(let text, _): step.arguments = Self.shellArguments(text, run.documents, shell, script: &step.script)
        }
        step.network = run.network.rawValue
        step.isInsecure = run.security == .insecure
        step.hostname = given.given["BUILDKIT_SANDBOX_HOSTNAME"]
        let seen = variables
        for flag in run.mounts {
            var failure: (WordLexer.Failure, PlacedText)?
            let mount = flag.resolved(in: &findings) { text in
                do throws(WordLexer.Failure) { return try seen.expand(text).text } catch {
                    failure = (error, text)
                    return nil
                }
            }
            if let failure { throw .expansion(failure.0, failure.1) }
            if let mount { step.mounts.append(stepMount(mount, flag, number: step.mounts.count { $0.kind == .ssh })) }
        }
        let shown = step.arguments.joined(separator: " ")
        let prefix = names.isEmpty ? "" : "|\(names.count) " + names.map { "\($0)=\(arguments[$0] ?? "") " }.joined()
        var planned = PlannedInstruction(
            step: .run(step), history: "RUN \(prefix)\(shown) # buildkit", title: instruction.text.text, place: place)
        planned.arguments = arguments
        planned.shell = shell.first ?? planned.shell
        planned.hiddenEnvironment = hidden
        instructions.append(planned)
    }

    /// A command for the shell. A document alone is its script, one that begins with `#!` a program of its own.
    private static func shellArguments(
        _ text: String, _ documents: [Heredoc], _ shell: [String], script: inout RunStep.Script?
    ) -> [String] {
        guard let first = documents.first else { return shell + [text] }
        if documents.count == 1, text == first.place.text {
            guard first.text.hasPrefix("#!") else { return shell + [first.text] }
            script = RunStep.Script(name: first.name, text: first.text)
            return ["/dev/pipes/\(first.name)"]
        }
        // The shell reads documents itself, as they stand in the file.
        var whole = text
        for document in documents { whole += "\n" + document.content + document.name }
        return shell + [whole]
    }

    /// `number` is how many mounts of SSH agents come before it.
    private func stepMount(_ mount: Mount, _ flag: MountFlag, number: Int) -> StepMount {
        let id = mount.id.isEmpty ? mount.target : mount.id
        var target = mount.target
        let kind = StepMount.Kind(rawValue: mount.kind.rawValue) ?? .bind
        if kind == .secret, target.isEmpty, mount.variable == nil {
            target = "/run/secrets/\(mount.id.isEmpty ? mount.source : mount.id)"
        }
        if kind == .ssh, target.isEmpty { target = "/run/buildkit/ssh_agent.\(number)" }
        var result = StepMount(kind: kind, target: target.isEmpty ? "" : Self.path(target, in: execution.workingDir))
        if mount.from != nil, let text = flag.from { result.from = origin(text) }
        result.source = mount.source
        result.isReadOnly = mount.isReadOnly
        switch kind {
        case .secret:
            result.id =
                mount.id.isEmpty
                ? (mount.source.isEmpty ? mount.target.split(separator: "/").last.map(String.init) ?? "" : mount.source)
                : mount.id
        case .ssh: result.id = mount.id.isEmpty ? "default" : mount.id
        case .cache: result.id = given.given["BUILDKIT_CACHE_MOUNT_NS"].map { "\($0)/\(id)" } ?? id
        case .bind, .tmpfs: result.id = ""
        }
        result.sharing = StepMount.Sharing(rawValue: mount.sharing.rawValue) ?? .shared
        result.isRequired = mount.isRequired
        result.size = mount.size
        result.mode = mount.mode
        result.uid = mount.uid
        result.gid = mount.gid
        result.variable = mount.variable
        return result
    }
}
