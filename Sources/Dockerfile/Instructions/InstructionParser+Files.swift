import YAML

extension InstructionParser {
    // MARK: FROM

    mutating func from(_ flags: inout Flags, _ text: PlacedText, _ split: CommandSplit) -> Instruction.Operation? {
        let platform = flags.value("platform", &findings)
        flags.finish(&findings)
        guard !text.isEmpty else {
            findings.error(
                split.keyword, "FROM needs an image", hint: "write FROM image, or FROM scratch for an empty one")
            return nil
        }
        let words = text.split()
        switch words.count {
        case 1: return .from(Base(image: words[0], name: nil, platform: platform))
        case 3 where words[1].text.lowercased() == "as":
            guard Self.isStageName(words[2].text.lowercased()) else {
                findings.error(
                    words[2], "invalid stage name '\(words[2])'",
                    hint: "start with a letter, and use only letters, digits, '-', '_' and '.'")
                return nil
            }
            return .from(Base(image: words[0], name: words[2], platform: platform))
        default:
            let hint =
                words[1].hasPrefix("#")
                ? "a comment has a line of its own" : "write FROM image AS name"
            findings.error(words[1], "FROM takes an image, or an image, AS and a name", hint: hint)
            return nil
        }
    }

    /// A lower-case letter, then letters, digits, `-`, `_`, `.`.
    static func isStageName(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, ("a"..."z").contains(first) else { return false }
        return name.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0)
        }
    }

    // MARK: COPY, ADD

    mutating func copy(
        _ flags: inout Flags, _ text: PlacedText, _ split: CommandSplit, _ line: LogicalLine, isAdd: Bool
    ) -> Instruction.Operation? {
        var owner: PlacedText?
        var mode: PlacedText?
        var from: PlacedText?
        var checksum: PlacedText?
        var isLinked: Bool?
        var keepsParents: Bool?
        var keepsGit: Bool?
        var unpacks: Bool?
        owner = flags.value("chown", &findings)
        mode = flags.value("chmod", &findings)
        isLinked = flags.boolean("link", &findings)
        let excluded = flags.values("exclude", &findings)
        if isAdd {
            keepsGit = flags.boolean("keep-git-dir", &findings)
            checksum = flags.value("checksum", &findings)
            unpacks = flags.boolean("unpack", &findings)
        } else {
            from = flags.value("from", &findings)
            keepsParents = flags.boolean("parents", &findings)
        }
        flags.finish(&findings)
        if let from, let dollar = from.firstIndex(of: "$"), dollar < from.count - 1 {
            findings.error(
                from, "--from takes no variables",
                hint: "give the image a stage of its own, `FROM \(from) AS name`, and write --from=name")
        }
        guard let words = list(text, split, example: "\(split.keyword) source /destination") else { return nil }
        guard words.count >= 2, let destination = words.last else {
            findings.error(
                words[0], "\(split.keyword) needs a source and a destination",
                hint: "write \(split.keyword) \(words[0]) /destination")
            return nil
        }
        if Heredoc(word: destination) != nil {
            findings.error(
                destination, "a heredoc cannot be the destination of \(split.keyword)",
                hint: "write the destination after it")
        }
        var documents = line.documents
        let sources = words.dropLast().map { word -> Copy.Source in
            guard let document = Heredoc(word: word),
                let index = documents.firstIndex(where: { $0.name == document.name })
            else { return .path(word) }
            return .document(documents.remove(at: index))
        }
        let copy = Copy(
            sources: sources, destination: destination, from: from, owner: owner, mode: mode,
            isLinked: isLinked ?? false, keepsParents: keepsParents ?? false, excluded: excluded, checksum: checksum,
            keepsGitFolder: keepsGit, unpacks: unpacks)
        return isAdd ? .add(copy) : .copy(copy)
    }

    // MARK: RUN

    mutating func run(_ flags: inout Flags, _ text: PlacedText, _ line: LogicalLine) -> Instruction.Operation? {
        let mounts = flags.values("mount", &findings).map { MountFlag($0, &findings) }
        let network = choice(flags.value("network", &findings), "network mode", Run.Network.default)
        let security = choice(flags.value("security", &findings), "security mode", Run.Security.sandbox)
        let devices = flags.values("device", &findings)
        flags.finish(&findings)
        guard let command = commandLine(text) else { return nil }
        return .run(
            Run(
                command: command, documents: line.documents, mounts: mounts, network: network, security: security,
                devices: devices))
    }

    private mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ value: PlacedText?, _ what: String, _ fallback: Choice
    ) -> Choice {
        guard let value else { return fallback }
        if let choice = Choice(rawValue: value.text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        findings.error(
            value, "unknown \(what) '\(value)'",
            hint: nearest(to: value.text, among: names).map { "did you mean '\($0)'?" }
                ?? "use " + names.joined(separator: ", "))
        return fallback
    }

    // MARK: HEALTHCHECK

    mutating func healthCheck(
        _ flags: inout Flags, _ text: PlacedText, _ split: CommandSplit
    ) -> Instruction.Operation? {
        let words = text.split(limit: 2)
        let kind = words[0].text.uppercased()
        if kind == "NONE" {
            flags.finish(&findings)
            guard words.count == 1 else {
                findings.error(words[1], "HEALTHCHECK NONE takes no arguments", hint: "remove them")
                return nil
            }
            return .healthcheck(.none)
        }
        var timing = HealthCheck.Timing()
        timing.interval = duration("interval", &flags)
        timing.timeout = duration("timeout", &flags)
        timing.startPeriod = duration("start-period", &flags)
        timing.startInterval = duration("start-interval", &flags)
        if let retries = flags.value("retries", &findings) {
            if let number = Int32(retries.text), number >= 0 {
                timing.retries = number == 0 ? nil : Int(number)
            } else {
                findings.error(
                    retries, "invalid number of retries '\(retries)'", hint: "write a whole number: --retries=3")
            }
        }
        flags.finish(&findings)
        guard kind == "CMD" else {
            findings.error(
                text.isEmpty ? split.keyword : words[0],
                text.isEmpty ? "HEALTHCHECK needs a command" : "HEALTHCHECK needs CMD or NONE, not '\(words[0])'",
                hint: "write HEALTHCHECK CMD command, or HEALTHCHECK NONE")
            return nil
        }
        guard words.count == 2, let command = commandLine(words[1]), command != .exec([]) else {
            findings.error(words[0], "the health check has no command", hint: "write HEALTHCHECK CMD command")
            return nil
        }
        return .healthcheck(.check(command, timing))
    }

    private mutating func duration(_ name: String, _ flags: inout Flags) -> Duration? {
        guard let value = flags.value(name, &findings) else { return nil }
        guard let nanoseconds = GoDuration.nanoseconds(value.text) else {
            findings.error(value, "invalid duration '\(value)'", hint: "write it with a unit: --\(name)=30s")
            return nil
        }
        guard nanoseconds == 0 || nanoseconds >= 1_000_000 else {
            findings.error(value, "--\(name) is at least 1ms", hint: "write 0 for the default")
            return nil
        }
        return nanoseconds == 0 ? nil : .nanoseconds(nanoseconds)
    }
}
