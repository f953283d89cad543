import Linux
import YAML

/// Names from the kernel: capabilities, parameters, limits, devices, namespaces, interfaces.
extension TextGrammar {
    /// `cap_add` and `cap_drop`: a name of capabilities(7), with or without `CAP_`, in any case, or `ALL`. A newer
    /// kernel may have more.
    static let capability = TextGrammar { text in
        let upper = text.uppercased()
        let name = upper.droppingBytePrefix("CAP_") ?? upper
        if name == "ALL" || capabilities.contains(name) { return nil }
        var fault = Fault(
            "'\(text)' is not a capability",
            hint: nearest(to: name, among: capabilities + ["ALL"]).map { "did you mean '\($0)'?" }
                ?? "write a name of `man 7 capabilities`, as NET_ADMIN, or ALL")
        fault.worksElsewhere = true
        return fault
    }

    /// The capabilities of Linux 6.12.
    private static let capabilities = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// A key of `sysctls`, with dots, or with slashes, which sysctl(8) accepts too. `up` checks whether a namespace has
    /// its own value, so that the rest of the project can be used.
    static let sysctl = TextGrammar { text in
        let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))
        let usesDots = text.utf8.first { $0 == dot || $0 == slash } == dot
        let swapped = text.utf8.map { byte in byte == dot ? slash : byte == slash ? dot : byte }
        let path = usesDots ? String(decoding: swapped, as: UTF8.self) : text
        if isPlainPath(path), text.utf8.allSatisfy({ !$0.isBlankOrControl }) { return nil }
        let parts = text.split { $0 == "." || $0 == "/" || $0 == " " }
        return Fault(
            "'\(text)' is not the name of a kernel parameter",
            hint: parts.isEmpty ? "write one: net.core.somaxconn" : "write \(parts.joined(separator: "."))")
    }

    /// A key of `ulimits`, in any case.
    static let resourceLimit = TextGrammar { text in
        let name = text.lowercased()
        if resourceLimits.contains(name) { return nil }
        let bare = name.droppingBytePrefix("rlimit_") ?? name
        return Fault(
            "there is no resource limit '\(text)'",
            hint: nearest(to: bare, among: resourceLimits).map { "did you mean '\($0)'?" }
                ?? "there are \(alternatives(resourceLimits))")
    }

    private static let resourceLimits = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio", "rttime", "sigpending", "stack",
    ]

    /// An item of `device_cgroup_rules`: `c 1:3 mr`.
    static let deviceRule = TextGrammar { text in
        let words = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
        let isNumber = { (part: ArraySlice<UInt8>) in
            part.elementsEqual([0x2A]) || !part.isEmpty && part.allSatisfy(\.isDigit)
        }
        if words.count == 3, words[0].count == 1, "acb".utf8.contains(words[0][0]) {
            let numbers = words[1].split(separator: 0x3A, omittingEmptySubsequences: false)
            if numbers.count == 2, numbers.allSatisfy(isNumber), (1...3).contains(words[2].count),
                words[2].allSatisfy({ "rwm".utf8.contains($0) })
            {
                return nil
            }
        }
        return Fault(
            "'\(text)' is not a device rule",
            hint: "write the kind (c, b or a), the numbers and any of r, w and m: c 1:3 rwm, c 188:* rw")
    }

    /// `ipc`, `pid`, `uts`: one of a few words, or the owner of the namespace: `service:NAME`, `container:NAME`.
    /// `joins`: berth can share this kind of namespace. If not, `up` reports it.
    static func namespace(_ what: String, _ words: [String], joins: Bool) -> TextGrammar {
        TextGrammar { text in
            if text.isEmpty || words.contains(text) { return nil }
            for kind in ["service:", "container:"] {
                guard let name = text.droppingBytePrefix(kind) else { continue }
                return name.isEmpty ? Fault("a name is missing after '\(kind)'", hint: "name one: \(kind)NAME") : nil
            }
            let forms =
                joins
                ? alternatives(words + ["service:NAME", "container:NAME"]) : "\(alternatives(words)), or leave it out"
            return Fault(
                "'\(text)' is not a valid \(what)",
                hint: nearest(to: text, among: words).map { "did you mean '\($0)'?" } ?? "write \(forms)")
        }
    }

    /// `interface_name`, by the kernel's rules (`dev_valid_name`).
    static let interfaceName = TextGrammar { text in
        if text.isEmpty { return nil }
        if text.utf8.count > 15 {
            return Fault(
                "'\(text)' is too long for an interface's name: \(text.utf8.count) bytes, 15 at most",
                hint: "write a shorter one: eth1")
        }
        if text == "." || text == ".." || text.utf8.contains(where: { $0.isBlankOrControl || $0 == 0x2F || $0 == 0x3A })
        {
            return Fault(
                "'\(text)' is not a valid interface name", hint: "write one without spaces, '/' and ':': eth1")
        }
        return nil
    }

    /// `subpath` of a volume or an image: a path that does not leave it.
    static let subpath = TextGrammar { text in
        if text.isEmpty { return nil }
        if text.isAbsolutePath {
            let rest = text.pathParts.joined(separator: "/")
            return Fault(
                "'\(text)' starts with '/': a subpath is relative to the mounted volume or image",
                hint: rest.isEmpty ? "leave it out to mount everything" : "write \(rest)")
        }
        var depth = 0
        for part in text.pathParts where part != "." {
            depth += part == ".." ? -1 : 1
            if depth < 0 {
                return Fault(
                    "'\(text)' leads out of the mounted volume or image", hint: "write a path without '..'")
            }
        }
        return nil
    }
}
