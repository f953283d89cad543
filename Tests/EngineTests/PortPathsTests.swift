import Engine
import Linux
import NameService
import Networking
import Testing

/// By which way each form of a published port reaches containers of each kind.
@Suite struct PortPathsTests {
    static let v4 = "10.0.0.2"
    static let v6 = "fd00::2"
    /// Host address, transport, container's addresses; where it is held, rules and proxies as `from>to`.
    static let rows:
        [(host: String?, transport: String, addresses: [String], held: [String], rules: [String], proxies: [String])] =
            [
                (nil, "tcp", [v4], ["0.0.0.0", "::"], ["*>10.0.0.2"], ["[::]:80>10.0.0.2:8080"]),
                (nil, "udp", [v4], ["0.0.0.0", "::1"], ["*>10.0.0.2"], ["[::1]:80>10.0.0.2:8080"]),
                (nil, "tcp", [v4, v6], ["0.0.0.0", "::"], ["*>10.0.0.2", "*>fd00::2"], ["[::]:80>[fd00::2]:8080"]),
                (nil, "udp", [v4, v6], ["0.0.0.0", "::1"], ["*>10.0.0.2", "*>fd00::2"], ["[::1]:80>[fd00::2]:8080"]),
                (
                    nil, "tcp", [v6], ["0.0.0.0", "::"], ["*>fd00::2"],
                    ["0.0.0.0:80>[fd00::2]:8080", "[::]:80>[fd00::2]:8080"]
                ),
                ("127.0.0.1", "tcp", [v4], ["127.0.0.1"], ["127.0.0.1>10.0.0.2"], []),
                ("127.0.0.1", "tcp", [v4, v6], ["127.0.0.1"], ["127.0.0.1>10.0.0.2"], []),
                ("127.0.0.1", "tcp", [v6], ["127.0.0.1"], [], ["127.0.0.1:80>[fd00::2]:8080"]),
                ("0.0.0.0", "udp", [v4, v6], ["0.0.0.0"], ["0.0.0.0>10.0.0.2"], []),
                ("::1", "tcp", [v4], ["::1"], [], ["[::1]:80>10.0.0.2:8080"]),
                ("::1", "udp", [v4, v6], ["::1"], [], ["[::1]:80>[fd00::2]:8080"]),
                ("::", "tcp", [v4], ["::"], [], ["[::]:80>10.0.0.2:8080"]),
                ("::", "udp", [v6], ["::1"], ["::>fd00::2"], ["[::1]:80>[fd00::2]:8080"]),
                ("2001:db8::9", "tcp", [v4], ["2001:db8::9"], [], ["[2001:db8::9]:80>10.0.0.2:8080"]),
                ("2001:db8::9", "tcp", [v4, v6], ["2001:db8::9"], ["2001:db8::9>fd00::2"], []),
            ]

    @Test(arguments: 0..<rows.count)
    func leadsThere(_ index: Int) throws {
        let row = Self.rows[index]
        let port = ContainerRecord.Port(hostIP: row.host, first: 80, last: 80, target: 8080, transport: row.transport)
        let paths = PortPaths(port: port, addresses: row.addresses.compactMap { IPAddress($0) }, container: "c")
        #expect(try PortPaths.heldAddresses(port).map(\.description) == row.held)
        #expect(paths.rules.map { "\($0.hostAddress?.description ?? "*")>\($0.containerAddress)" } == row.rules)
        #expect(paths.proxies.map { "\($0.listen)>\($0.target)" } == row.proxies)
    }

    @Test func aTextThatIsNoAddressIsRefused() {
        let port = ContainerRecord.Port(hostIP: "localhost", first: 80, last: 80, target: 80, transport: "tcp")
        #expect(throws: (any Error).self) { try PortPaths.heldAddresses(port) }
        let paths = PortPaths(port: port, addresses: [.v4(1)], container: "c")
        #expect(paths.rules.isEmpty && paths.proxies.isEmpty)
    }
}
