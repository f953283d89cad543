import EngineClient
import EngineWire
import Linux
import Testing

/// Which commands a user without rights is told, by what is missing.
@Suite struct MissingRightsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let group: GroupMembership?
        let socketGroup: UInt32?
        let hint: String

        init(_ name: String, _ group: GroupMembership?, socket: UInt32?, _ hint: String) {
            testDescription = name
            self.group = group
            socketGroup = socket
            self.hint = hint
        }
    }

    static let places = EnginePlaces(environment: [:])

    static let cases = [
        Case(
            "no group yet", nil, socket: 0,
            """
            the members of the group `berth` may use it:
              sudo groupadd --system berth
              sudo chgrp berth /run/berth/berthd.sock
              sudo usermod -aG berth ann
              newgrp berth
            """),
        Case(
            "not a member", .init(id: 990, isListed: false, isHeld: false), socket: 990,
            """
            the members of the group `berth` may use it:
              sudo usermod -aG berth ann
              newgrp berth
            """),
        Case(
            "a member whose shell is older", .init(id: 990, isListed: true, isHeld: false), socket: 990,
            """
            you are a member of the group `berth`, but this shell started before that:
              newgrp berth
            """),
        Case(
            "a member, and an engine that is older than the group", .init(id: 990, isListed: true, isHeld: true),
            socket: 0,
            """
            this engine started before the group `berth` existed, so its socket does not belong to the group yet:
              sudo chgrp berth /run/berth/berthd.sock
            """),
        Case(
            "neither, and such an engine", .init(id: 990, isListed: false, isHeld: false), socket: 0,
            """
            this engine started before the group `berth` existed, so its socket does not belong to the group yet:
              sudo chgrp berth /run/berth/berthd.sock
              sudo usermod -aG berth ann
              newgrp berth
            """),
        Case(
            "all is well but the folder", .init(id: 990, isListed: true, isHeld: true), socket: 990,
            """
            you are in its group, but have no access to a folder above it:
              ls -ld /run/berth
            """),
    ]

    @Test("the hint has the commands that are missing, and no others", arguments: cases)
    func socket(_ example: Case) {
        let rights = MissingRights(
            places: Self.places, user: "ann", group: example.group, socketGroup: example.socketGroup)
        #expect(rights.ofSocket.hint == example.hint)
        #expect(rights.ofSocket.code == .noRights)
    }

    @Test("who is not root is told how to start an engine as root, its folders included")
    func start() {
        let places = EnginePlaces(environment: ["BERTH_ROOT": "/home/ann/root", "BERTH_RUN": "/home/ann/run"])
        let member = GroupMembership(id: 990, isListed: true, isHeld: true)
        #expect(
            MissingRights(places: places, user: "ann", group: member, socketGroup: nil).ofStart.hint == """
                let root start it:
                  sudo BERTH_ROOT=/home/ann/root BERTH_RUN=/home/ann/run berth ls
                it ends after a minute without work; under systemd it starts again when needed: `berth help engine`
                """)
        #expect(
            MissingRights(places: Self.places, user: "ann", group: nil, socketGroup: nil).ofStart.hint == """
                let root start it, for the members of the group `berth`:
                  sudo groupadd --system berth
                  sudo usermod -aG berth ann
                  sudo berth ls
                  newgrp berth
                it ends after a minute without work; under systemd it starts again when needed: `berth help engine`
                """)
    }
}
