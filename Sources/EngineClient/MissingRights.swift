import EngineWire
import Linux

/// Why a non-root user cannot reach an engine, and the commands that fix it.
package struct MissingRights: Hashable, Sendable {
    package var places: EnginePlaces
    package var user: String
    /// nil: the machine has no such group yet.
    package var group: GroupMembership?
    /// The group that owns the socket; nil when unknown.
    package var socketGroup: UInt32?

    private static let groupName = "berth"

    package init(places: EnginePlaces, user: String, group: GroupMembership?, socketGroup: UInt32?) {
        self.places = places
        self.user = user
        self.group = group
        self.socketGroup = socketGroup
    }

    /// For the calling process.
    init(places: EnginePlaces) {
        self.init(
            places: places, user: CallingProcess.userName ?? "$USER", group: GroupMembership(of: Self.groupName),
            socketGroup: owningGroup(of: places.socket))
    }

    /// An engine listens, but the caller may not open its socket.
    package var ofSocket: EngineFailure {
        var commands = membership
        var reason = "the members of the group `berth` may use it"
        if let group, socketGroup != group.id {
            // An engine gives its socket to the group when it starts; this one is older than the group.
            commands.insert("sudo chgrp \(Self.groupName) \(places.socket)", at: 0)
            reason =
                "this engine started before the group `berth` existed, so its socket does not belong to the group yet"
        } else if group == nil {
            commands.insert("sudo chgrp \(Self.groupName) \(places.socket)", at: 1)
        } else if group?.isHeld == true {
            return EngineFailure(
                code: .noRights, message: "no permission to use the engine's socket \(places.socket)",
                hint: "you are in its group, but have no access to a folder above it:\n  ls -ld \(places.run)")
        } else if group?.isListed == true {
            reason = "you are a member of the group `berth`, but this shell started before that"
        }
        return EngineFailure(
            code: .noRights, message: "no permission to use the engine's socket \(places.socket)",
            hint: "\(reason):\n" + commands.map { "  \($0)" }.joined(separator: "\n"))
    }

    /// No engine listens, and the caller is not root.
    package var ofStart: EngineFailure {
        let usual = EnginePlaces(environment: [:])
        let variables = [
            places.root == usual.root ? nil : "BERTH_ROOT=\(places.root)",
            places.run == usual.run ? nil : "BERTH_RUN=\(places.run)",
        ].compactMap { $0 }
        let start = (["sudo"] + variables + ["berth", "ls"]).joined(separator: " ")
        // An engine gives its socket to the group when it starts, so the group must exist first.
        let joining = membership.filter { $0.hasPrefix("sudo") }
        let entering = membership.filter { !$0.hasPrefix("sudo") }
        let steps = joining + [start] + entering
        return EngineFailure(
            code: .noRights,
            message: "no engine is running, and only root can start one: it creates namespaces, mounts and bridges",
            hint: (steps.count > 1 ? "let root start it, for the members of the group `berth`:" : "let root start it:")
                + steps.map { "\n  \($0)" }.joined()
                + "\nit ends after a minute without work; under systemd it starts again when needed: `berth help engine`"
        )
    }

    /// Commands that add the user's shell to the group.
    private var membership: [String] {
        var commands: [String] = []
        if group == nil { commands.append("sudo groupadd --system \(Self.groupName)") }
        if group?.isListed != true { commands.append("sudo usermod -aG \(Self.groupName) \(user)") }
        if group?.isHeld != true { commands.append("newgrp \(Self.groupName)") }
        return commands
    }
}
