/// The short form of a volume: `[SOURCE:]TARGET[:OPTIONS]`.
package struct VolumeSpec: Hashable, Sendable {
    /// A source that starts with `.`, `/` or `~` is a host path.
    package var isBind = false
    package var source: String?
    package var target = ""
    package var readOnly = false
    package var noCopy = false
    package var propagation: String?
    package var selinux: String?
    /// Options without a meaning.
    package var unknown: [String] = []

    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let message: String
        package var description: String { message }
    }

    package static let options = [
        "ro", "rw", "nocopy", "z", "Z", "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ]
    /// Known from macOS, without a meaning here.
    private static let ignored = ["cached", "delegated", "consistent"]

    package static func parse(_ text: String) throws(Failure) -> VolumeSpec {
        var spec = VolumeSpec()
        guard !text.isEmpty else { throw Failure(message: "the volume is empty") }
        guard text.utf8.count > 2 else {
            spec.target = text
            return spec
        }
        let parts = sections(text)
        if parts.contains("") { throw Failure(message: "'\(text)' has an empty part between colons") }
        if parts.count > 3 { throw Failure(message: "'\(text)' has too many colons") }
        spec.target = parts.count == 1 ? parts[0] : parts[1]
        if parts.count > 1 {
            spec.source = parts[0]
            spec.isBind = isHostPath(parts[0])
        }
        if parts.count == 3 { spec.apply(parts[2].parts(at: UInt8(ascii: ",")).filter { !$0.isEmpty }) }
        return spec
    }

    /// Splits at colons, but not at those of a Windows drive (`C:\data`, `C:/data:/target`) or inside `${…}`.
    private static func sections(_ text: String) -> [String] {
        var parts = text.parts(at: UInt8(ascii: ":"))
        if text.utf8.contains(UInt8(ascii: "$")) { parts = joiningSubstitutions(parts) }
        return parts.contains(where: isLetter) ? joiningDrives(parts) : parts
    }

    /// One letter, as Go counts them: of at most four bytes.
    private static func isLetter(_ part: String) -> Bool {
        part.utf8.count <= 4 && part.count == 1 && part.allSatisfy(\.isLetter)
    }

    private static func joiningSubstitutions(_ parts: [String]) -> [String] {
        var result: [String] = []
        var depth = 0
        for part in parts {
            if depth > 0 { result[result.count - 1] += ":\(part)" } else { result.append(part) }
            depth += part.ranges(of: "${").count
            depth = max(0, depth - part.count { $0 == "}" })
        }
        return result
    }

    /// One letter before a colon is a drive, but for a volume with a name that short: `v:/data`, `v:/data:ro`.
    private static func joiningDrives(_ parts: [String]) -> [String] {
        var result: [String] = []
        var letterIsOpen = false
        for part in parts {
            if letterIsOpen { result[result.count - 1] += ":\(part)" } else { result.append(part) }
            letterIsOpen = !letterIsOpen && isLetter(part)
        }
        return namesShortVolume(parts, joined: result) ? parts : result
    }

    private static func namesShortVolume(_ parts: [String], joined: [String]) -> Bool {
        guard let name = parts.first, name.utf8.count == 1, name.first?.isASCII == true, parts.count > 1,
            !parts[1].hasPrefix("\\")
        else { return false }
        switch joined.count {
        case 1: return true
        case 2: return !joined[1].contains { "/\\:".contains($0) }
        default: return false
        }
    }

    private static func isHostPath(_ source: String) -> Bool {
        switch source.utf8.first {
        case nil: false
        case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "~"): true
        case UInt8(ascii: "\\"): source.hasPrefix("\\\\")
        default: source.utf8.dropFirst().first == UInt8(ascii: ":") && source.first?.isLetter == true
        }
    }

    private mutating func apply(_ options: [String]) {
        for option in options {
            switch option {
            case "ro": readOnly = true
            case "rw": readOnly = false
            case "nocopy": noCopy = true
            case "z", "Z": selinux = option
            case "private", "rprivate", "shared", "rshared", "slave", "rslave": propagation = option
            default: if !Self.ignored.contains(option) { unknown.append(option) }
            }
        }
    }
}

extension VolumeSpec {
    /// What is wrong with a target that starts nowhere.
    var relativeTarget: TextGrammar.Fault {
        var fault = TextGrammar.relative(target, "a path in the container")
        if target.hasPrefix("~") || TextGrammar.isWindowsPath(target) { return fault }
        let name = target.trimming(" ").drop { $0 == "." || $0 == "/" }
        if let source {
            fault.hint =
                (target == "ro" || target == "rw") && source.hasPrefix("/")
                ? "write the path in the container, too: \"\(source):\(source):\(target)\""
                : "write \"\(source.trimming(" ")):/\(name.isEmpty ? "app" : name[...])\""
        } else if target.hasPrefix(".") || target.contains("/") {
            fault.hint = "write \"\(target):/\(name.isEmpty ? "app" : name[...])\" for a folder of the host"
        } else {
            fault.hint =
                "write \"\(target):/\(name)\" for the volume '\(target)', or \"/\(name)\" for one without a name"
        }
        return fault
    }

    /// What to write in place of a text that is no volume.
    package static func advice(_ text: String) -> String {
        let parts = text.split(separator: ":").map { $0.trimming(" ") }
        if (2...3).contains(parts.count), parts[1].hasPrefix("/") {
            return "write \"\(parts.joined(separator: ":"))\""
        }
        if parts.count > 3, parts[1].hasPrefix("/"), parts.dropFirst(2).allSatisfy({ options.contains($0) }) {
            let all = parts.dropFirst(2).joined(separator: ",")
            return "write the options with commas: \"\(parts[0]):\(parts[1]):\(all)\""
        }
        return "the form is [SOURCE:]TARGET[:OPTIONS]: \"data:/var/lib/data:ro\""
    }
}

extension StringProtocol {
    /// Without `scalar` at both ends.
    fileprivate func trimming(_ character: Character) -> String {
        let rest = drop { $0 == character }
        return String(rest.reversed().drop { $0 == character }.reversed())
    }
}
