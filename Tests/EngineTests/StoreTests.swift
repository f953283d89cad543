import Engine
import EngineWire
import GRDB
import Glibc
import JSON
import Linux
import Networking
import ProjectModel
import Reconcile
import Testing

/// What is in the store and what is in memory agree, whatever fails.
@Suite("The store") struct StoreTests {
    /// Saves one wish many times, without waiting for one before the next.
    private actor Writer {
        private let store: Store
        private var writes: [Task<Void, any Error>] = []

        init(_ store: Store) { self.store = store }

        func save(rounds: Int) {
            for round in 1...rounds { writes.append(Task { try await self.save(round) }) }
        }

        private func save(_ round: Int) async throws {
            var desired = Desired(project: "demo")
            desired.services = [
                DesiredService(spec: Service(name: "web", image: "busybox"), goal: .running, scale: round)
            ]
            try await store.save(desired)
        }

        func finish() async throws {
            for write in writes { try await write.value }
        }
    }

    @Test("writes land in the order in which they were asked for")
    func order() async throws {
        let folder = "/tmp/berth-store-\(getpid())"
        try makeFolders(folder, mode: 0o700)
        defer { try? removeTree(folder) }
        let store = try Store(path: "\(folder)/engine.db")
        for _ in 0..<20 {
            let writer = Writer(store)
            await writer.save(rounds: 100)
            try await writer.finish()
            #expect(try await store.load().desired["demo"]?.services.first?.scale == 100)
        }
    }

    @Test("what could not be stored is not done, and works once it can be")
    func refusedWrite() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            let database = try DatabaseQueue(path: "\(simulated.folder)/engine.db")
            try await database.write {
                try $0.execute(
                    sql: """
                        CREATE TRIGGER refuse BEFORE UPDATE ON container
                        BEGIN SELECT RAISE(ABORT, 'no room in this test'); END
                        """)
            }
            let failed = try await simulated.perform(.pause)
            #expect(failed.status == .failed)
            #expect(failed.errors.first?.message.contains("no room in this test") == true, "\(failed.errors)")
            #expect(await simulated.states() == ["demo-web-1": .running])
            #expect(!simulated.machine.world.journal.contains { $0.hasPrefix("paused") })
            try await database.write { try $0.execute(sql: "DROP TRIGGER refuse") }
            try await simulated.expect(.succeeded, .pause)
            #expect(await simulated.states() == ["demo-web-1": .paused])
        }
    }

    @Test("what a monitor says holds although it could not be stored")
    func volatileWrite() async throws {
        try await SimulatedEngine.with { simulated in
            try await simulated.perform(.up(UpOptions()), [SimulatedEngine.service("web")])
            let database = try DatabaseQueue(path: "\(simulated.folder)/engine.db")
            try await database.write {
                try $0.execute(
                    sql: "CREATE TRIGGER refuse BEFORE UPDATE ON container BEGIN SELECT RAISE(ABORT, 'no room'); END")
            }
            try simulated.end("demo-web-1", code: 3)
            try await simulated.eventually { await $0.states() == ["demo-web-1": .exited] }
        }
    }

    @Test("networks and places on them that an earlier release stored are bridges")
    func earlierNetworks() throws {
        let network = """
            {"name":"shop_default","id":"ab","project":"shop","key":"default","definition":{"name":"shop_default","external":false,\
            "driver_opts":{},"attachable":false,"internal":false,"enable_ipv4":true,"enable_ipv6":false,"labels":{}},\
            "bridge":"berth-abcdef","subnets":["172.17.0.0/16"],"gateways":["172.17.0.1"],"createdAt":1}
            """
        let record = try decodeJSON(NetworkRecord.self, from: network.utf8)
        #expect(record.realisation == .bridge("berth-abcdef") && record.subnets.map(\.description) == ["172.17.0.0/16"])
        #expect(try decodeJSON(NetworkRecord.self, from: encodeJSON(record)) == record)
        let endpoint = """
            {"network":"shop_default","key":"default","interface":"eth0","hostInterface":"bv-x","bridge":"berth-abcdef",\
            "addresses":["172.17.0.2/16"],"aliases":["web"],"gateways":["172.17.0.1"],"mtu":1400,"macAddress":""}
            """
        let place = try decodeJSON(ContainerRecord.Endpoint.self, from: endpoint.utf8)
        #expect(place.link == .bridge("berth-abcdef") && place.mtu == 1400 && place.macAddress == nil)
        #expect(try decodeJSON(ContainerRecord.Endpoint.self, from: encodeJSON(place)) == place)
    }
}
