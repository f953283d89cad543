import JSON
import Linux
import NameService
import Testing

/// The bytes between an engine and a `berth-net` that may be of another release: they must stay readable.
@Suite struct NetCommandTests {
    static let golden: [(NetCommand, String)] = [
        (
            .serve(id: "c1", namespacePath: "/run/berth/netns/c1", udpPort: nil, tcpPort: 40001),
            #"{"id":7,"command":{"serve":{"id":"c1","namespacePath":"/run/berth/netns/c1","tcpPort":40001}}}"#
        ),
        (
            .zone(id: "c1", zone: Zone(directories: ["front"], names: ["web": [.v4(0xac12_0002)]])),
            #"{"id":7,"command":{"zone":{"id":"c1","zone":{"directories":["front"],"names":{"web":["172.18.0.2"]},"networks":[],"upstreams":[],"keepsSingleLabels":false}}}}"#
        ),
        (
            .directory(
                id: "front",
                directory: Directory(
                    names: ["Web": [.v4(0xac12_0002)]], reverse: [.init(.v4(0xac12_0002), "web.front")])),
            #"{"id":7,"command":{"directory":{"id":"front","directory":{"names":{"web":["172.18.0.2"]},"reverse":[{"address":"172.18.0.2","name":"web.front"}]}}}}"#
        ),
        (.directory(id: "front", directory: nil), #"{"id":7,"command":{"directory":{"id":"front"}}}"#),
        (
            .hold(
                owner: "c1",
                wishes: [PortWish(addresses: [.anyV4, .anyV6], ports: 80...89, preferred: 81, transport: .tcp)]
            ),
            #"{"id":7,"command":{"hold":{"owner":"c1","wishes":[{"addresses":["0.0.0.0","::"],"ports":[80,89],"preferred":81,"transport":"tcp"}]}}}"#
        ),
        (
            .proxy(
                ProxyRule(
                    owner: "c1", listen: SocketEndpoint(.loopbackV6, 80),
                    target: SocketEndpoint(.v4(0xac12_0002), 8080))),
            #"{"id":7,"command":{"proxy":{"_0":{"owner":"c1","listen":{"address":"::1","port":80},"target":{"address":"172.18.0.2","port":8080},"transport":"tcp"}}}}"#
        ),
        (.leave, #"{"id":7,"command":{"leave":{}}}"#),
    ]

    @Test(arguments: golden)
    func commandsHaveTheseBytes(_ command: NetCommand, _ text: String) throws {
        let request = NetRequest(id: 7, command: command)
        #expect(String(decoding: try encodeJSON(request), as: UTF8.self) == text)
        #expect(try decodeJSON(NetRequest.self, from: text.utf8) == request)
    }
}
