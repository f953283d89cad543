import Builder
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

@Suite("Builds with a fixed time", .enabled(if: geteuid() == 0)) struct BuildEpochTests {
    @Test("with an epoch two machines make one image: layers, configuration, history")
    func twoMachines() async throws {
        let text = """
            FROM scratch AS one
            COPY . /src/
            RUN touch made
            WORKDIR /new
            FROM scratch
            LABEL z=1 a=2
            ENV B=1
            COPY --from=one / /all/
            """
        var images: [Image] = []
        for time in [1_600_000_000, 1_700_000_000] {
            try await withWorld { world in
                for name in ["x", "d/y", "d/z"] {
                    try world.write(name, name)
                    var times = [timeval(tv_sec: time, tv_usec: 1), timeval(tv_sec: time, tv_usec: 1)]
                    utimes("\(world.folder)/context/\(name)", &times)
                }
                images.append(try await world.build(text) { $0.epoch = 1_500_000_000 }.image)
            }
        }
        #expect(images[0].manifestDigest == images[1].manifestDigest && images[0].config == images[1].config)
    }

    @Test("with an epoch two builds are one image, whenever they are made")
    func epoch() async throws {
        try await withWorld { world in
            try world.write("f", "x")
            let text = "FROM base\nCOPY f /\nRUN touch y\nWORKDIR /new\n"
            let first = try await world.build(text) { $0.epoch = 1_500_000_000 }
            let second = try await world.build(text) {
                $0.epoch = 1_500_000_000
                $0.noCache = true
            }
            #expect(first.image.id == second.image.id)
            #expect(first.image.config.created == "2017-07-14T02:40:00Z")
        }
    }

    @Test("the file itself may fix the time, and a build argument goes before it")
    func ownEpoch() async throws {
        try await withWorld { world in
            let text = "ARG SOURCE_DATE_EPOCH=1500000000\nFROM base\nARG SOURCE_DATE_EPOCH\nRUN touch y\n"
            let own = try await world.build(text)
            #expect(own.image.config.created == "2017-07-14T02:40:00Z")
            let given = try await world.build(text) { $0.epoch = 1_600_000_000 }
            #expect(given.image.config.created == "2020-09-13T12:26:40Z")
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("ARG SOURCE_DATE_EPOCH=now\nFROM base\n")
            }
            #expect(failure?.notes.first?.message == "SOURCE_DATE_EPOCH is 'now'")
            #expect(failure?.notes.first?.place?.line == 1)
        }
    }
}
