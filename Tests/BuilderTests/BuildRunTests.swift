import Builder
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

@Suite("Stages and steps of a build", .enabled(if: geteuid() == 0)) struct BuildRunTests {
    @Test("stages that nobody needs are not run, and others come together")
    func stages() async throws {
        try await withWorld { world in
            let text = """
                FROM base AS one
                RUN touch one
                FROM base AS unused
                RUN fail
                FROM one AS two
                RUN touch two
                FROM scratch
                COPY --from=two /one /two /got/
                COPY --from=base /etc/passwd /
                """
            let made = try await world.build(text)
            #expect(world.host.ran.take() == ["touch one", "touch two"])
            let layers = try await world.images.snapshot(for: made.image).lower
            #expect(fileExists("\(layers[1])/got/one") && fileExists("\(layers[1])/got/two"))
            #expect(fileExists("\(layers[0])/passwd"))
            let other = try await world.build(text) { $0.target = "one" }
            #expect(other.image.config.rootfs.diffIDs.count == 2 && world.host.ran.take() == [])
        }
    }

    @Test("a failure tells the step, its place and what it wrote, and is not kept")
    func failure() async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base\n\nRUN touch a\nRUN fail\n")
            }
            let note = try #require(failure?.notes.first)
            #expect(note.place?.line == 4 && note.log == ["ran fail"] && note.message.contains("exit code 3"))
            #expect(world.host.ran.take() == ["fail", "touch a"])
            _ = try? await world.build("FROM base\n\nRUN touch a\nRUN fail\n")
            #expect(world.host.ran.take() == ["fail"])
            #expect(try folderEntries("\(world.folder)/store/builds/work") == [])
        }
    }

    @Test("a base that is neither an image nor a stage is told with the stage that was meant")
    func mistypedStage() async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base AS tools\nRUN touch /a\nFROM tolls\nRUN touch /b")
            }
            let note = try #require(failure?.notes.first)
            #expect(note.hint == "did you mean the stage \"tools\"?" && note.place?.line == 3, "\(note)")
        }
    }

    @Test("owners, modes, documents, links and what is in the way")
    func copying() async throws {
        try await withWorld { world in
            try world.write("d/sub/f", "x")
            let made = try await world.build(
                """
                FROM base
                COPY --chown=app --chmod=u=rwX,go=rX d /deep/er
                COPY <<one <<two /docs/
                1
                one
                2 $PATH
                two
                ADD http://host/name.txt /docs/
                """)
            let layers = try await world.images.snapshot(for: made.image).lower
            var status = stat()
            lstat("\(layers[2])/deep/er/sub/f", &status)
            #expect(status.st_uid == 7 && status.st_gid == 8 && status.st_mode & 0o7777 == 0o644)
            lstat("\(layers[2])/deep", &status)
            #expect(status.st_uid == 7 && status.st_gid == 8 && status.st_mode & 0o7777 == 0o755)
            #expect(try readText("\(layers[1])/docs/one") == "1\n")
            #expect(try readText("\(layers[1])/docs/two").hasPrefix("2 /usr/local"))
            lstat("\(layers[0])/docs/name.txt", &status)
            #expect(status.st_mode & 0o7777 == 0o600)
            // More than an archive's first block.
            let url = "http://host/long?\(String(repeating: "a", count: 2000))"
            let long = try await world.build("FROM base\nADD \(url) /long\n")
            #expect(try readText("\(long.root)/long") == url)
            for (line, message) in [
                ("COPY d/sub/f /etc", ""), ("COPY nope /", "there is no 'nope'"), ("COPY ../x /", "there is no '../x'"),
                ("COPY --chown=nobody d /x", "unable to find user nobody"),
                ("COPY d /etc/passwd", "/etc/passwd is not a folder"),
                ("COPY d/sub/f /etc/passwd/x", "/etc/passwd is not a folder"),
            ] {
                do {
                    _ = try await world.build("FROM base\n\(line)\n")
                    #expect(message.isEmpty, "\(line) worked")
                } catch let error as BuildFailure {
                    #expect(!message.isEmpty && error.description.contains(message), "\(line): \(error)")
                    #expect(error.notes[0].place?.line == 2)
                }
            }
        }
    }

    @Test("an output is given to the client, and without a name in the store nothing stays")
    func outputs() async throws {
        try await withWorld { world in
            let made = try await world.build("FROM base\nRUN touch y\n") { $0.outputs = [.oci, .tree] }
            let bytes = world.context.delivered.bytes.withLock { $0 }
            #expect(bytes.count % 512 == 0 && bytes.starts(with: Array("oci-layout".utf8)))
            #expect(try await world.images.resolve("made") == nil)
            let again = try await world.build("FROM base\nRUN touch y\n") { $0.annotations = ["a": "b"] }
            #expect(again.image.id == made.image.id && again.image.manifestDigest != made.image.manifestDigest)
        }
    }

    @Test(
        "a name that no image can have is refused before anything is built",
        arguments: ["BAD:1", "a@sha256:\(String(repeating: "0", count: 64))"])
    func badName(_ name: String) async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base\nRUN touch a\n") { $0.tags = ["good", name] }
            }
            #expect(failure?.notes.first?.message.contains(name) == true)
            #expect(world.host.ran.take() == [] && world.steps(.done) == [])
        }
    }

    @Test("a file that cannot be read any more fails its step, with its line and what to do")
    func changed() async throws {
        try await withWorld { world in
            try world.write("a", "1")
            world.context.vanishing.isOn.store(true, ordering: .relaxed)
            let failure = await #expect(throws: BuildFailure.self) { try await world.build("FROM base\nCOPY a /\n") }
            let note = try #require(failure?.notes.first)
            #expect(note.code == .unreadable && note.place?.line == 2 && note.hint?.contains("build again") == true)
            world.context.vanishing.isOn.store(false, ordering: .relaxed)
            let made = try await world.build("FROM base\nCOPY a /\n")
            #expect(try readText("\(made.root)/a") == "1")
        }
    }

    @Test("triggers that make stages need each other are an error, not a wait without end", .timeLimit(.minutes(1)))
    func circleOfTriggers() async throws {
        try await withWorld { world in
            _ = try await world.build("FROM base\nONBUILD COPY --from=child /a /b\n") { $0.tags = ["trigger"] }
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM trigger AS parent\nFROM parent AS child\nRUN touch a\n")
            }
            #expect(failure?.notes.first?.message.hasPrefix("stages need each other") == true)
            #expect(failure?.notes.first?.place?.line == 1)
        }
    }
}
