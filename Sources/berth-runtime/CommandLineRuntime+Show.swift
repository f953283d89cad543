import Glibc
import JSON
import Linux
import OCI
import Runtime

extension CommandLineRuntime {
    func state(_ arguments: inout Arguments) throws -> CInt {
        let record = try runtime.store.load(try onlyID(&arguments))
        var object = try JSONValue(encoding: runtime.store.state(record)).object ?? JSONObject()
        object["rootfs"] = .string(Self.rootfs(record))
        object["created"] = .string(record.created)
        return try say(JSONValue.object(object).text(.pretty(indent: 2)).trimmingNewline)
    }

    private static func rootfs(_ record: ContainerRecord) -> String {
        let path = record.spec.root?.path ?? ""
        return path.hasPrefix("/") ? path : "\(record.bundle)/\(path)"
    }

    func list(_ arguments: inout Arguments) throws -> CInt {
        var isQuiet = false
        var isJSON = false
        while let flag = try arguments.nextFlag() {
            switch flag {
            case "-q", "--quiet": isQuiet = true
            case "-f", "--format": isJSON = try Self.isJSON(&arguments)
            default: throw Arguments.unknown(flag)
            }
        }
        try arguments.end()
        let records = runtime.store.ids().compactMap { try? runtime.store.load($0) }
        if isQuiet {
            return records.isEmpty ? 0 : try say(records.map(\.id).joined(separator: "\n"))
        }
        let states = records.map { (record: $0, state: runtime.store.state($0)) }
        if isJSON {
            let entries = try states.map { entry in
                var object = try JSONValue(encoding: entry.state).object ?? JSONObject()
                object["created"] = .string(entry.record.created)
                return JSONValue.object(object)
            }
            return try say(JSONValue.array(entries).text())
        }
        let rows = states.map { entry in
            [
                entry.state.id, "\(entry.state.pid)", entry.state.status.rawValue, entry.state.bundle,
                entry.record.created,
            ]
        }
        return try say(Self.table([["ID", "PID", "STATUS", "BUNDLE", "CREATED"]] + rows))
    }

    func processes(_ arguments: inout Arguments) throws -> CInt {
        var isJSON = false
        var words: [String] = []
        while true {
            if let flag = try arguments.nextFlag() {
                guard flag == "-f" || flag == "--format" else { throw Arguments.unknown(flag) }
                isJSON = try Self.isJSON(&arguments)
            } else if arguments.words.isEmpty {
                break
            } else {
                words.append(try arguments.positional("id"))
            }
        }
        guard let id = words.first else { throw Arguments.Problem(description: "the container's id is missing") }
        let pids = try runtime.processes(id)
        if isJSON { return try say(JSONValue.array(pids.map { .integer(Int64($0)) }).text()) }
        let rows = pids.compactMap { pid in
            (try? ProcessStatus(of: pid)).map { ["\(pid)", "\($0.parent)", String($0.state), $0.name] }
        }
        return try say(Self.table([["PID", "PPID", "S", "COMMAND"]] + rows))
    }

    private static func isJSON(_ arguments: inout Arguments) throws -> Bool {
        let name = try arguments.value()
        guard name == "json" || name == "table" else {
            throw Arguments.Problem(description: "--format is table or json, not \"\(name)\"")
        }
        return name == "json"
    }

    /// Columns as wide as their widest cell, two spaces apart.
    private static func table(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }.joined()
        }.joined(separator: "\n")
    }

    /// Writes a `config.json` that runs a shell with the default profile.
    func spec(_ arguments: inout Arguments) throws -> CInt {
        var bundle = "."
        while let flag = try arguments.nextFlag() {
            guard flag == "-b" || flag == "--bundle" else { throw Arguments.unknown(flag) }
            bundle = try arguments.value()
        }
        try arguments.end()
        let path = "\(bundle)/config.json"
        guard !fileExists(path) else { throw RuntimeFailure(step: "spec", message: "\(path) already exists") }
        let bytes = try JSONValue(encoding: DefaultProfile.spec()).serialized(.pretty(indent: 2))
        try writeFileAtomically(path, bytes, mode: 0o644)
        return 0
    }

    func update(_ arguments: inout Arguments) throws -> CInt {
        var resources = RuntimeSpec.Resources()
        var id: String?
        while true {
            guard let flag = try arguments.nextFlag() else {
                if arguments.words.isEmpty { break }
                id = try arguments.positional("the container's id")
                continue
            }
            switch flag {
            case "-r", "--resources":
                let path = try arguments.value()
                let bytes = path == "-" ? try OwnedFD(owning: dup(0)).readToEnd() : try readFile(path)
                resources = try decodeJSON(RuntimeSpec.Resources.self, from: bytes)
            case "--memory", "--memory-reservation", "--memory-swap":
                try Self.set(flag, try arguments.number(Int64.self), &resources)
            case "--pids-limit": resources.pids = RuntimeSpec.Pids(limit: try arguments.number(Int64.self))
            case "--blkio-weight":
                var blockIO = resources.blockIO ?? RuntimeSpec.BlockIO()
                blockIO.weight = try arguments.number(UInt16.self)
                resources.blockIO = blockIO
            default: try Self.setCPU(flag, &arguments, &resources)
            }
        }
        guard let id else { throw Arguments.Problem(description: "the container's id is missing") }
        try runtime.update(id, resources)
        return 0
    }

    private static func set(_ flag: String, _ value: Int64, _ resources: inout RuntimeSpec.Resources) throws {
        var memory = resources.memory ?? RuntimeSpec.Memory()
        switch flag {
        case "--memory": memory.limit = value
        case "--memory-swap": memory.swap = value
        default: memory.reservation = value
        }
        resources.memory = memory
    }

    private static func setCPU(
        _ flag: String, _ arguments: inout Arguments, _ resources: inout RuntimeSpec.Resources
    ) throws {
        var cpu = resources.cpu ?? RuntimeSpec.CPU()
        switch flag {
        case "--cpu-quota": cpu.quota = try arguments.number(Int64.self)
        case "--cpu-period": cpu.period = try arguments.number(UInt64.self)
        case "--cpu-share": cpu.shares = try arguments.number(UInt64.self)
        case "--cpu-burst": cpu.burst = try arguments.number(UInt64.self)
        case "--cpu-idle": cpu.idle = try arguments.number(Int64.self)
        case "--cpuset-cpus": cpu.cpus = try arguments.value()
        case "--cpuset-mems": cpu.mems = try arguments.value()
        default: throw Arguments.unknown(flag)
        }
        resources.cpu = cpu
    }
}

extension String {
    fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
