import Linux
import YAML

/// Paths in a container, tmpfs mounts, devices.
extension TextGrammar {
    /// A path in the container; it must be absolute because it has no base.
    static let containerPath = TextGrammar { text in
        text.isEmpty || text.isAbsolutePath ? nil : relative(text, "a path in the container")
    }

    static func relative(_ text: String, _ what: String) -> Fault {
        var rest = text[...]
        while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
        let advice: String
        if text.hasPrefix("~") {
            advice = "'~' has no meaning there: write the whole path, as in /root\(text.dropFirst())"
        } else if isWindowsPath(text) {
            advice = "write a Linux path: /data"
        } else {
            advice = rest == "." || rest.isEmpty ? "write a whole path, as in /app" : "write /\(rest)"
        }
        var fault = Fault("'\(text)' is not an absolute path: \(what) starts with '/'", hint: advice, at: text)
        fault.worksElsewhere = isWindowsPath(text)
        return fault
    }

    /// `C:\\data`, which is valid only in Windows containers.
    static func isWindowsPath(_ text: String) -> Bool {
        text.hasPrefix("\\") || text.dropFirst().hasPrefix(":") && text.first?.isLetter == true
    }

    /// `tmpfs`, `PATH[:OPTIONS]`: tmpfs(5) and the flags of mount(8).
    static let temporary = TextGrammar { text in
        let path = text.prefix { $0 != ":" }
        if text.isEmpty { return nil }
        if !path.isAbsolutePath { return relative(String(path), "the place of a memory file system") }
        for option in text[path.endIndex...].dropFirst().split(separator: ",") {
            if let fault = temporaryOption(option) { return fault }
        }
        return nil
    }

    private static let temporaryFlags: Set<Substring> = [
        "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "dirsync", "atime", "noatime",
        "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime",
        "mand", "nomand", "iversion", "noiversion", "defaults", "private", "rprivate", "shared", "rshared", "slave",
        "rslave", "unbindable", "runbindable", "silent", "loud", "tmpcopyup", "symfollow", "nosymfollow",
        "inode32", "inode64", "noswap",
    ]
    private static let temporaryValues = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"]

    private static func temporaryOption(_ option: Substring) -> Fault? {
        guard let sign = option.firstIndex(of: "=") else {
            if temporaryFlags.contains(option) { return nil }
            let known = temporaryFlags.map(String.init).sorted() + temporaryValues
            return Fault(
                "'\(option)' is not an option of a memory file system",
                hint: temporaryValues.contains(String(option))
                    ? "it needs a value: \(option)=\(option == "mode" ? "1777" : option == "size" ? "64m" : "1000")"
                    : nearest(to: String(option), among: known).map { "did you mean '\($0)'?" }
                        ?? "options are size=, mode=, uid=, gid= and flags such as noexec and ro", at: option)
        }
        let (name, value) = (option[..<sign], option[option.index(after: sign)...])
        switch name {
        case "size": return kernelSize(value, option, allowsPercent: true)
        case "nr_inodes", "nr_blocks": return kernelSize(value, option, allowsPercent: false)
        case "mode":
            if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x37).contains($0) }), value.utf8.count <= 5 {
                return nil
            }
            return Fault("'\(value)' is not a mode", hint: "write permission bits in octal: mode=1777", at: option)
        case "uid", "gid":
            if value.isDigits, UInt32(value) != nil { return nil }
            return Fault(
                "'\(value)' is not the number of a user or group", hint: "write its number: \(name)=1000", at: option)
        case "mpol", "huge": return nil
        default:
            return Fault(
                "'\(name)' is not an option of a memory file system",
                hint: nearest(to: String(name), among: temporaryValues).map { "did you mean '\($0)=\(value)'?" }
                    ?? "options are size=, mode=, uid=, gid=, nr_inodes= and flags such as noexec", at: option)
        }
    }

    /// The kernel's notation for a size: one letter, without a `b` after it.
    private static func kernelSize(_ value: Substring, _ option: Substring, allowsPercent: Bool) -> Fault? {
        let name = option.prefix { $0 != "=" }
        let number =
            value.hasPrefix("0x")
            ? value.prefix(2) + value.dropFirst(2).prefix(while: \.isHexDigit)
            : value.prefix { $0.isASCII && $0.isNumber }
        let unit = value.dropFirst(number.count).lowercased()
        if !number.isEmpty, ["", "k", "m", "g", "t", "p", "e"].contains(unit) || unit == "%" && allowsPercent {
            return nil
        }
        let letter = unit.first.map { "kmgtpe".contains($0) ? String($0) : "m" } ?? "m"
        let example = number.isEmpty ? "64m" : "\(number)\(letter)"
        return Fault(
            "'\(value)' is not a size that the kernel accepts",
            hint: "write a whole number with k, m or g\(allowsPercent ? ", or a percentage" : ""): \(name)=\(example)",
            at: option)
    }

    /// `devices[].permissions`.
    static let devicePermissions = TextGrammar { text in
        if text.isEmpty { return nil }
        let letters = Set(text)
        if letters.count == text.count, letters.isSubset(of: ["r", "w", "m"]) { return nil }
        return Fault(
            "'\(text)' is not a device permission", hint: "write any of r (read), w (write) and m (make): rwm",
            at: text)
    }
}
