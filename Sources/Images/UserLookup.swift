import Glibc
import Linux

/// The ids of a container's process, and its home folder.
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

/// Finds `user` ("name", "uid", "name:group", "uid:gid"; "" means root) in the image's own passwd and group files.
///
/// `groups` are further groups by name or number. Reads the files through the layers, line by line: `upper` (a
/// container's own changes) first, then `lower`, top first. No link leads out of them. A number needs no entry; without
/// one its group is 0 and its home is "/".
/// - Throws: `UserLookupError` for an unknown user or group, and for a file larger than 16 MiB, because whoever can
///   write the file must not decide how long a start takes.
package func lookUpUser(
    _ user: String, groups: [String] = [], in lower: [String], upper: String? = nil
) throws -> ContainerUser {
    let stack = try LayerStack((upper.map { [$0] } ?? []) + lower)
    let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.first.map { $0.isEmpty ? "0" : $0 } ?? "0"
    let group = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
    let account = try findUser(String(name), in: stack)
    var found = try GroupSearch(account.name, named: groups + (group.map { [$0] } ?? []))
    try found.read(stack)
    var result = ContainerUser(uid: account.uid, gid: account.gid, additionalGids: [], home: account.home)
    if let group {
        result.gid = try found.gid(of: group)
    } else {
        result.additionalGids = found.memberships
    }
    for group in groups {
        let gid = try found.gid(of: group)
        if !result.additionalGids.contains(gid) { result.additionalGids.append(gid) }
    }
    return result
}

private struct Account {
    /// Empty for a number without an entry.
    var name: [UInt8] = []
    var uid: UInt32
    var gid: UInt32 = 0
    var home = "/"
}

private func findUser(_ name: String, in stack: LayerStack) throws -> Account {
    let wanted = Array(name.utf8)
    let number = try identifier(name)
    var byName: Account?
    var byNumber: Account?
    try AccountFile("etc/passwd").read(stack) { line in
        guard byName == nil, let name = line[0], !name.isEmpty, let uid = line.number(2), let gid = line.number(3)
        else {
            return
        }
        let isNamed = name.elementsEqual(wanted)
        guard isNamed || byNumber == nil && uid == number else { return }
        var account = Account(name: Array(name), uid: uid, gid: gid)
        if let home = line[5], !home.isEmpty { account.home = String(decoding: home, as: UTF8.self) }
        if isNamed { byName = account } else { byNumber = account }
    }
    if let account = byName ?? byNumber ?? number.map({ Account(uid: $0) }) { return account }
    throw UserLookupError(description: "unable to find user \(name): no matching entries in passwd file")
}

/// What one pass over the group file must find.
private struct GroupSearch {
    private let member: [UInt8]
    private let numbers: [String: UInt32]
    private var wanted: Set<String>
    private var gids: [String: UInt32] = [:]
    /// The groups that list the user.
    private(set) var memberships: [UInt32] = []

    init(_ member: [UInt8], named names: [String]) throws {
        self.member = member
        wanted = Set(names)
        numbers = try Dictionary(
            uniqueKeysWithValues: wanted.compactMap { name in try identifier(name).map { (name, $0) } })
    }

    mutating func read(_ stack: LayerStack) throws {
        try AccountFile("etc/group").read(stack) { line in
            guard let name = line[0], !name.isEmpty, let gid = line.number(2) else { return }
            if !wanted.isEmpty {
                let text = String(decoding: name, as: UTF8.self)
                if wanted.remove(text) != nil { gids[text] = gid }
            }
            guard !member.isEmpty, let members = line[3] else { return }
            let isMember = members.split(separator: UInt8(ascii: ",")).contains { $0.elementsEqual(member) }
            if isMember { memberships.append(gid) }
        }
    }

    func gid(of name: String) throws(UserLookupError) -> UInt32 {
        if let gid = gids[name] ?? numbers[name] { return gid }
        throw UserLookupError(description: "unable to find group \(name): no matching entries in group file")
    }
}

/// nil for a name.
private func identifier(_ text: String) throws(UserLookupError) -> UInt32? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard let number = Int32(text) else {
        throw UserLookupError(description: "\(text): uids and gids must be in range 0-2147483647")
    }
    return UInt32(number)
}
