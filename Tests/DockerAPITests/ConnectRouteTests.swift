import Engine
import JSON
import Testing

/// Networks that containers join and leave over the routes, on a simulated machine.
@Suite struct ConnectRouteTests {
    private func networks(_ server: DockerServer) async throws -> JSONObject {
        let inspected = try #require(await server.ask("GET /containers/box/json").json)
        return try #require(inspected["NetworkSettings"]?["Networks"]?.object)
    }

    @Test(
        "a container joins a network with a name and an address, and leaves it, running or not",
        arguments: [true, false])
    func connecting(isRunning: Bool) async throws {
        try await DockerServer.with { server in
            let network = #"{"Name":"back","IPAM":{"Config":[{"Subnet":"10.9.0.0/24"}]}}"#
            #expect(await server.ask("POST /networks/create", network).status == 201)
            #expect(await server.ask("POST /containers/create?name=box", #"{"Image":"busybox"}"#).status == 201)
            if isRunning { #expect(await server.ask("POST /containers/box/start").status == 204) }
            let wish =
                #"{"Container":"box","EndpointConfig":{"Aliases":["db"],"IPAMConfig":{"IPv4Address":"10.9.0.7"}}}"#
            #expect(await server.ask("POST /networks/back/connect", wish).status == 200)
            let joined = try await networks(server)
            #expect(joined.members.map(\.key).sorted() == ["back", "bridge"])
            #expect(joined["back"]?["IPAMConfig"]?["IPv4Address"] == "10.9.0.7")
            #expect(await server.ask("POST /networks/back/connect", wish).status == 403)
            #expect(await server.ask("POST /networks/back/disconnect", #"{"Container":"box"}"#).status == 200)
            #expect(try await networks(server).members.map(\.key) == ["bridge"])
            #expect(await server.ask("POST /networks/back/disconnect", #"{"Container":"box"}"#).status == 409)
            #expect(
                await server.ask("POST /networks/back/disconnect", #"{"Container":"box","Force":true}"#).status == 409)
            #expect(
                await server.ask("POST /networks/back/disconnect", #"{"Container":"gone","Force":true}"#).status == 200)
        }
    }

    @Test("events name a network by its id, whoever joined it")
    func events() async throws {
        try await DockerServer.with { server in
            let made = await server.ask("POST /networks/create", #"{"Name":"back"}"#)
            let id = try #require(made.json?["Id"]?.string)
            #expect(await server.ask("POST /containers/create?name=box", #"{"Image":"busybox"}"#).status == 201)
            #expect(await server.ask("POST /containers/box/start").status == 204)
            for verb in ["connect", "disconnect"] {
                #expect(await server.ask("POST /networks/back/\(verb)", #"{"Container":"box"}"#).status == 200)
            }
            let until = server.engine.now / 1_000_000_000 + 1
            let told = await server.ask("GET /events?since=1&until=\(until)").body.split(separator: "\n")
            let ids = told.compactMap { line -> String? in
                guard let event = try? JSONValue(parsing: Array(line.utf8)), event["Type"] == "network",
                    event["Actor"]?["Attributes"]?["name"] == "back"
                else { return nil }
                return event["Actor"]?["ID"]?.string
            }
            #expect(ids == [id, id, id])
        }
    }

    @Test("what cannot be is refused, and changes nothing")
    func refused() async throws {
        try await DockerServer.with { server in
            #expect(await server.ask("POST /networks/create", #"{"Name":"back"}"#).status == 201)
            for (name, mode) in [("box", "default"), ("bare", "none"), ("open", "host")] {
                let body = #"{"Image":"busybox","HostConfig":{"NetworkMode":"\#(mode)"}}"#
                #expect(await server.ask("POST /containers/create?name=\(name)", body).status == 201)
            }
            let refused: [(String, String, Int)] = [
                ("back", #"{"Container":"nosuch"}"#, 404), ("nosuch", #"{"Container":"box"}"#, 404),
                ("back", #"{"Container":"bare"}"#, 403), ("back", #"{"Container":"open"}"#, 403),
                ("host", #"{"Container":"box"}"#, 403), ("none", #"{"Container":"box"}"#, 403),
                ("back", #"{"Container":"box","EndpointConfig":{"IPAMConfig":{"IPv4Address":"x"}}}"#, 400),
                ("back", "", 400),
            ]
            for (network, body, status) in refused {
                #expect(
                    await server.ask("POST /networks/\(network)/connect", body).status == status, "\(network) \(body)")
            }
            let left = try await networks(server)
            #expect(left.members.map(\.key) == ["bridge"])
        }
    }

    @Test("two that connect at once give one place")
    func atOnce() async throws {
        try await DockerServer.with { server in
            #expect(await server.ask("POST /networks/create", #"{"Name":"back"}"#).status == 201)
            #expect(await server.ask("POST /containers/create?name=box", #"{"Image":"busybox"}"#).status == 201)
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask { _ = await server.ask("POST /networks/back/connect", #"{"Container":"box"}"#) }
                }
            }
            let record = try await server.engine.snapshot("box").record
            #expect(record.endpoints.map(\.network).sorted() == ["back", "bridge"])
        }
    }
}
