import Glibc

/// A group of this machine, and whether the calling process belongs to it (group(5), credentials(7)).
package struct GroupMembership: Hashable, Sendable {
    package let id: UInt32
    /// The caller's user is a member according to the machine's files; a process that started earlier does not have the
    /// group yet.
    package let isListed: Bool
    /// The calling process has the group.
    package let isHeld: Bool

    package init(id: UInt32, isListed: Bool, isHeld: Bool) {
        self.id = id
        self.isListed = isListed
        self.isHeld = isHeld
    }

    /// Looks `name` up in /etc/group; nil when there is no such group.
    ///
    /// Reads the file itself, because getgrnam(3) loads libraries of the machine, which a static program must not do.
    package init?(of name: String) {
        guard let entry = AccountFile.lines("/etc/group").first(where: { $0.count >= 4 && $0[0] == name }),
            let id = UInt32(entry[2])
        else { return nil }
        let members = entry[3].split(separator: ",").map(String.init)
        let isListed =
            CallingProcess.account.map { $0.group == id } == true
            || CallingProcess.userName.map(members.contains) == true
        self.init(
            id: id, isListed: isListed, isHeld: getegid() == id || CallingProcess.groups.contains(id))
    }
}

/// A file with colon-separated fields: passwd(5), group(5).
private enum AccountFile {
    static func lines(_ path: String) -> [[String]] {
        ((try? readText(path, limit: 16 << 20)) ?? "").split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}

extension CallingProcess {
    /// The login name of the real user from /etc/passwd, or else from the environment; nil when unknown.
    package static var userName: String? {
        account?.name ?? ["USER", "LOGNAME"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    /// The real user's line of /etc/passwd, with its primary group.
    fileprivate static var account: (name: String, group: UInt32)? {
        let own = "\(getuid())"
        guard let entry = AccountFile.lines("/etc/passwd").first(where: { $0.count >= 4 && $0[2] == own }) else {
            return nil
        }
        return UInt32(entry[3]).map { (entry[0], $0) }
    }

    /// The supplementary groups (getgroups(2)).
    package static var groups: [gid_t] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        // In two steps, because `prefix` reads the array before its argument fills it.
        let filled = getgroups(count, &groups)
        return Array(groups.prefix(Int(max(0, filled))))
    }

    /// Whether the process is root, on this machine or in a user namespace.
    package static var isRoot: Bool { geteuid() == 0 }

    /// Whether root here is only the root of a user namespace without all users of the machine (user_namespaces(7)).
    package static var isInUserNamespace: Bool {
        guard let map = try? readText("/proc/self/uid_map") else { return false }
        return map.split(whereSeparator: { $0 == " " || $0 == "\n" }) != ["0", "0", "4294967295"]
    }
}

/// The group that owns the file at `path`; nil when unknown (stat(2)).
package func owningGroup(of path: String) -> UInt32? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_gid : nil
}
