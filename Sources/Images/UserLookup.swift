import Glibc
import Linux

/// Who a container's process is, in numbers, and where its home is.
package struct ContainerUser: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var additionalGids: [UInt32]
    package var home: String

    package init(uid: UInt32, gid: UInt32, additionalGids: [UInt32], home: String) {
        self.uid = uid
        self.gid = gid
        self.additionalGids = additionalGids
        self.home = home
    }
}

/// Why a user or group of a container is unknown.
package struct UserLookupError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// Finds `user` ("name", "uid", "name:group", "uid:gid"; "" is root) in the image's own passwd and group files.
///
/// `groups` are further groups by name or number. The files are read through the layers, `upper` (a container's own
/// changes) first and then `lower`, top first; nothing in them is followed out, and they are read up to 8 MiB.
/// A number needs no entry; without one its group is 0 and its home "/".
package func lookUpUser(
    _ user: String, groups: [String] = [], in lower: [String], upper: String? = nil
) throws -> ContainerUser {
    let stack = try LayerStack((upper.map { [$0] } ?? []) + lower)
    let limit = 8 << 20
    let accounts = AccountFiles(
        passwd: try stack.read("etc/passwd", limit: limit) ?? [], group: try stack.read("etc/group", limit: limit) ?? []
    )
    return try accounts.find(user, groups: groups)
}

/// The content of passwd(5) and group(5) files; lines that are not in their form are passed over.
struct AccountFiles {
    private struct User {
        let name: Substring
        let uid: UInt32
        let gid: UInt32
        let home: Substring
    }
    private struct Group {
        let name: Substring
        let gid: UInt32
        let members: [Substring]
    }

    private let users: [User]
    private let groups: [Group]

    init(passwd: [UInt8], group: [UInt8]) {
        users = Self.lines(passwd).compactMap { fields in
            guard fields.count >= 4, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
            return User(name: fields[0], uid: uid, gid: gid, home: fields.count > 5 ? fields[5] : "")
        }
        groups = Self.lines(group).compactMap { fields in
            guard fields.count >= 3, let gid = UInt32(fields[2]) else { return nil }
            return Group(name: fields[0], gid: gid, members: fields.count > 3 ? fields[3].split(separator: ",") : [])
        }
    }

    func find(_ text: String, groups additional: [String]) throws(UserLookupError) -> ContainerUser {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map { $0.isEmpty ? "0" : $0 } ?? "0"
        let number = try id(name)
        let user = users.first { $0.name == name } ?? users.first { $0.uid == number }
        guard let uid = user?.uid ?? number else {
            throw UserLookupError(description: "unable to find user \(name): no matching entries in passwd file")
        }
        var result = ContainerUser(uid: uid, gid: user?.gid ?? 0, additionalGids: [], home: "/")
        if let home = user?.home, !home.isEmpty { result.home = String(home) }
        if parts.count == 2, !parts[1].isEmpty {
            result.gid = try gid(parts[1])
        } else if let user {
            result.additionalGids = groups.filter { $0.members.contains(user.name) }.map(\.gid)
        }
        for group in additional {
            let gid = try gid(group[...])
            if !result.additionalGids.contains(gid) { result.additionalGids.append(gid) }
        }
        return result
    }

    private func gid(_ text: Substring) throws(UserLookupError) -> UInt32 {
        let number = try id(text)
        let group = groups.first { $0.name == text }
        guard let gid = group?.gid ?? number else {
            throw UserLookupError(description: "unable to find group \(text): no matching entries in group file")
        }
        return gid
    }

    /// nil for a name.
    private func id(_ text: Substring) throws(UserLookupError) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = Int32(text) else {
            throw UserLookupError(description: "\(text): uids and gids must be in range 0-2147483647")
        }
        return UInt32(number)
    }

    private static func lines(_ bytes: [UInt8]) -> [[Substring]] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false)
        }.filter { !($0.first ?? "").isEmpty }
    }
}
