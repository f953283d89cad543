import Dockerfile

/// Why a step is not what it was when it was built last, in a person's words; pure.
enum Difference {
    /// The largest number of files that are named; the rest is counted.
    private static let named = 5

    static func reasons(from old: SlotRecord, to new: SlotRecord, isPreviousNew: Bool) -> [String] {
        var reasons = step(old.step, new.step)
        reasons += files(old.files.values, new.files.values)
        if old.base != new.base {
            reasons.append(isPreviousNew ? "a step before it has another result" : "its base has changed")
        }
        return reasons.isEmpty ? ["its result is not in the cache any more"] : reasons
    }

    private static func step(_ old: BuildStep, _ new: BuildStep) -> [String] {
        switch (old, new) {
        case _ where old == new: return []
        case (.run(let old), .run(let new)): return run(old, new)
        case (.copy(let old), .copy(let new)):
            var reasons: [String] = []
            if old.query != new.query { reasons.append("its sources have changed") }
            if old.urls != new.urls || old.checksum != new.checksum { reasons.append("its URL has changed") }
            if old.destination != new.destination {
                reasons.append("its destination changed \(old.destination) → \(new.destination)")
            }
            if old.documents != new.documents { reasons.append("the text in the Dockerfile has changed") }
            if old.owner != new.owner || old.mode != new.mode { reasons.append("its owner or mode has changed") }
            if old.origin != new.origin { reasons.append("its source has changed") }
            return reasons.isEmpty ? ["its flags have changed"] : reasons
        case (.folder, .folder): return ["the path or its user has changed"]
        default: return ["another instruction stands here"]
        }
    }

    private static func run(_ old: RunStep, _ new: RunStep) -> [String] {
        var reasons: [String] = []
        if old.arguments != new.arguments || old.script != new.script { reasons.append("its command has changed") }
        let (before, after) = (variables(old.environment), variables(new.environment))
        for name in Set(before.keys).union(after.keys).sorted() where before[name] != after[name] {
            switch (before[name], after[name]) {
            case (nil, _): reasons.append("the variable \(name) is new")
            case (_, nil): reasons.append("the variable \(name) is gone")
            case (let old?, let new?): reasons.append("the variable \(name) changed \"\(old)\" → \"\(new)\"")
            }
        }
        if old.user != new.user { reasons.append("its user changed \"\(old.user)\" → \"\(new.user)\"") }
        if old.folder != new.folder { reasons.append("its folder changed \(old.folder) → \(new.folder)") }
        if old.mounts != new.mounts { reasons.append("its mounts have changed") }
        if old.network != new.network || old.isInsecure != new.isInsecure { reasons.append("its rights have changed") }
        return reasons
    }

    private static func variables(_ list: [String]) -> [String: String] {
        list.reduce(into: [:]) { result, entry in
            let name = entry.prefix { $0 != "=" }
            result[String(name)] = String(entry[name.endIndex...].dropFirst())
        }
    }

    private static func files(_ old: [String: String], _ new: [String: String]) -> [String] {
        var all: [String] = []
        for path in Set(old.keys).union(new.keys).sorted() where old[path] != new[path] {
            switch (old[path], new[path]) {
            case (nil, _): all.append("\(path) is new")
            case (_, nil): all.append("\(path) is gone")
            case (let before?, let after?): all.append("\(path) \(change(before, after))")
            }
        }
        guard all.count > named else { return all }
        return all.prefix(named) + ["and \(all.count - named) more files"]
    }

    /// The difference between two lines `MODE OWNER CONTENT`.
    private static func change(_ old: String, _ new: String) -> String {
        let (before, after) = (old.split(separator: " "), new.split(separator: " "))
        guard before.count == 3, after.count == 3 else { return "has changed" }
        if before[2] != after[2] { return "has changed" }
        return before[0] != after[0]
            ? "changed its mode \(before[0]) → \(after[0])" : "changed its owner \(before[1]) → \(after[1])"
    }
}
