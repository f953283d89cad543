import JSON
import Linux
import OCI

/// Dockerfile instructions that change how to run an image's containers (`--change` of an import).
enum ImageChange {
    /// Applies one instruction, such as `ENV A=1 B="two words"` or `CMD ["sh", "-c", "date"]`.
    /// - Throws: `ImageError.invalidChange`, which names the instruction.
    static func apply(_ text: String, to config: inout ImageConfig.Execution) throws(ImageError) {
        let line = InstructionText(text)
        do {
            try change(line, &config)
        } catch let error as InstructionError {
            throw .invalidChange(instruction: text, reason: error.reason)
        } catch {
            throw .invalidChange(instruction: text, reason: "\(error)")
        }
    }

    private static func change(_ line: InstructionText, _ config: inout ImageConfig.Execution) throws {
        guard !line.rest.isEmpty else {
            throw InstructionError(line.keyword.isEmpty ? "it is empty" : "\(line.keyword) needs an argument")
        }
        let words = WordReader(variables: config.env ?? [])
        switch line.keyword {
        case "CMD": config.cmd = command(line.rest, config)
        case "ENTRYPOINT": config.entrypoint = command(line.rest, config)
        case "ENV":
            for (name, value) in try words.pairs(line.rest) { set("\(name)=\(value)", name, in: &config) }
        case "LABEL":
            for (name, value) in try words.pairs(line.rest) {
                config.labels = (config.labels ?? [:]).adding(name, value)
            }
        case "EXPOSE":
            for port in try words.words(line.rest).flatMap(ports) {
                config.exposedPorts = (config.exposedPorts ?? [:]).adding(port, .init())
            }
        case "VOLUME":
            let paths = try line.execForm?.map { $0 } ?? words.words(line.rest)
            for path in paths {
                guard !path.isEmpty else { throw InstructionError("a volume needs a path") }
                config.volumes = (config.volumes ?? [:]).adding(path, .init())
            }
        case "USER": config.user = try words.one(line.rest)
        case "WORKDIR": config.workingDir = folder(try words.one(line.rest), from: config.workingDir)
        case "STOPSIGNAL": config.stopSignal = try signal(words.one(line.rest))
        case "HEALTHCHECK": config.healthcheck = try HealthcheckInstruction.parse(line.rest, shell: shell(config))
        case "SHELL":
            guard let shell = line.execForm, !shell.isEmpty else {
                throw InstructionError("SHELL takes a JSON array of strings")
            }
            config.shell = shell
        case "ONBUILD":
            let keyword = InstructionText(line.rest).keyword
            guard !["ONBUILD", "FROM", "MAINTAINER"].contains(keyword) else {
                throw InstructionError("\(keyword) is not allowed in ONBUILD")
            }
            config.onBuild = (config.onBuild ?? []) + [line.rest]
        default:
            throw InstructionError(
                "\(line.keyword) is none of CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR"
            )
        }
    }

    static func shell(_ config: ImageConfig.Execution) -> [String] { config.shell ?? ["/bin/sh", "-c"] }

    private static func command(_ rest: String, _ config: ImageConfig.Execution) -> [String] {
        InstructionText.execForm(rest) ?? shell(config) + [rest]
    }

    private static func set(_ variable: String, _ name: String, in config: inout ImageConfig.Execution) {
        var env = config.env ?? []
        if let index = env.firstIndex(where: { $0.hasPrefix("\(name)=") }) {
            env[index] = variable
        } else {
            env.append(variable)
        }
        config.env = env
    }

    /// `80`, `53/udp`, `8000-8002` as `80/tcp`, `53/udp`, `8000/tcp` …
    private static func ports(_ text: String) throws -> [String] {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
        let bounds = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
        guard ["tcp", "udp", "sctp"].contains(transport), let first = bounds.first ?? nil,
            let last = bounds.last ?? nil,
            first > 0, first <= last
        else {
            throw InstructionError("\"\(text)\" is not a port (as 80, 80/udp or 8000-8010)")
        }
        return (first...last).map { "\($0)/\(transport)" }
    }

    private static func folder(_ path: String, from current: String?) -> String {
        var components: [String] = []
        let whole = path.isAbsolutePath ? path : "\(current ?? "")/\(path)"
        for component in whole.pathParts where component != "." {
            if component == ".." { _ = components.popLast() } else { components.append(component) }
        }
        return "/" + components.joined(separator: "/")
    }

    private static func signal(_ text: String) throws -> String {
        let isName = text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "+" || $0 == "-" }
        guard Int(text).map({ (1...64).contains($0) }) ?? (isName && text.first?.isLetter == true) else {
            throw InstructionError("\"\(text)\" is not a signal")
        }
        return text
    }
}

/// What is wrong with an instruction; `ImageChange` adds the instruction.
struct InstructionError: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
    init(_ reason: String) { self.reason = reason }
}

extension Dictionary {
    fileprivate func adding(_ key: Key, _ value: Value) -> [Key: Value] { merging([key: value]) { _, new in new } }
}
