import EngineWire
import Glibc
import Linux
import Testing

extension Stories {
    @Suite struct Copies {
        private static let compose = """
            services:
              web:
                image: busybox
                command: sleep infinity
                stop_grace_period: 0s
                volumes: [ "data:/data", "./shared:/shared" ]
              other: { image: busybox, command: "true" }
            volumes: { data: {} }
            """

        /// What `script` prints in the container.
        private func inside(_ world: World, _ script: String) async throws -> String {
            try await world.berth("exec", "-T", "web", "sh", "-c", script).trimmed
        }

        @Test(
            "files go in and out of a running and of a stopped container, volumes too, with owners, modes, links and holes"
        )
        func inAndOut() async throws {
            try await World.with(project: "copy", Self.compose) { world in
                try await world.shell("mkdir \(world.projectFolder)/shared")
                try await world.berth("up", "-d", "web")
                let folder = "\(world.projectFolder)/in"
                try await world.shell(
                    """
                    mkdir -p \(folder)/sub && cd \(folder) && echo one > a && chown 1234:56 a && chmod 4751 a && ln -s a link && ln a hard
                    truncate -s 1M sub/hole && echo end >> sub/hole && touch -d @1000000000 sub
                    """)
                for state in ["running", "stopped"] {
                    for place in ["/root", "/data", "/shared", "/tmp"] {
                        try await world.berth("cp", "in", "web:\(place)/\(state)")
                    }
                    if state == "running" {
                        #expect(
                            try await inside(
                                world, "cd /root/running; stat -c '%u:%g %a %h' a; readlink link; stat -c %Y sub")
                                == "1234:56 4751 2\na\n1000000000")
                        try await world.berth("stop", "web")
                    }
                    for place in ["/root", "/data", "/shared", "/tmp"] {
                        try await world.berth("cp", "-a", "web:\(place)/\(state)", "out")
                        #expect(
                            try await world.shell(
                                "cd \(world.projectFolder) && diff -r in out >&2; stat -c '%u:%g %a %h' out/a; readlink out/link; "
                                    + "[ $(du -k out/sub/hole | cut -f1) -lt 500 ] && echo sparse; rm -r out")
                                == "1234:56 4751 2\na\nsparse", "\(place) \(state)")
                    }
                }
                try await world.berth("start", "web")
                #expect(try await inside(world, "ls /root /data /shared | sort -u | grep -v :").contains("stopped"))
                // A tar on standard output and input; a folder's content alone.
                let script = "cd \(world.projectFolder) && berth cp web:/root/running/. - | berth cp - other:/home"
                try await world.berth("create")
                try await world.shell("mkdir -p \(folder)/home; true")
                let none = try await world.attempt("cp", "-", "other:/nosuch")
                #expect(none.status != 0 && none.stderr.contains("/nosuch"), "\(none)")
                try await world.shell(script)
                #expect(try await world.berth("cp", "other:/home/a", "-").stdout.contains("one\n"))
            }
        }

        @Test("no link and no path leads out of a container; what cannot be copied is named, and the container goes on")
        func hostile() async throws {
            try await World.with(project: "hostile", Self.compose) { world in
                try await world.shell("mkdir \(world.projectFolder)/shared; echo secret > \(world.folder)/secret")
                try await world.berth("up", "-d", "web")
                _ = try await inside(
                    world,
                    """
                    mkdir /evil; cd /evil; ln -s / root; ln -s ../../../../../../.. up; ln -s /etc etc; ln -s /nosuch dangling; ln -s loop loop
                    mkfifo fifo; mknod disk b 1 0; mknod null c 1 3; echo x > file; mkdir full
                    """)
                for state in ["running", "stopped"] {
                    if state == "stopped" { try await world.berth("stop", "web") }
                    // Through links and `..` only the container's own files are found.
                    for path in ["/evil/root/", "/evil/up/", "/../../..", "/evil/../../.."] {
                        let there = try await world.attempt("cp", "web:\(path)\(world.folder)/secret", "-")
                        #expect(there.status != 0 && !there.stdout.contains("secret"), "\(path): \(there)")
                    }
                    try await world.shell("echo in > \(world.projectFolder)/in")
                    for path in ["/evil/root/\(state)", "/evil/up/\(state)2", "/../../\(state)3"] {
                        try await world.berth("cp", "in", "web:\(path)")
                        #expect(!fileExists("/\(path.pathParts.last ?? "")"))
                    }
                    #expect(try await world.berth("cp", "web:/\(state)2", "-").stdout.contains("in\n"))
                    // A dangling link is written through, inside; a loop is an error.
                    let loop = try await world.attempt("cp", "in", "web:/evil/loop")
                    #expect(loop.status != 0, "\(loop)")
                    // FIFOs and devices are copied as what they are, and never opened.
                    let all = try await world.berth("cp", "web:/evil", "-")
                    #expect(all.stdout.contains("evil/fifo") && all.stdout.contains("evil/disk"))
                    // A folder never takes the place of a file, nor a file that of a folder.
                    let overFolder = try await world.attempt("cp", "in", "web:/evil/../evil/full/../..")
                    #expect(overFolder.status == 0, "\(overFolder)")
                    try await world.shell("mkdir -p \(world.projectFolder)/pack/file; true")
                    let clash = try await world.attempt("cp", "pack/.", "web:/evil")
                    #expect(clash.status != 0 && clash.stderr.contains("file"), "\(clash)")
                    let missing = try await world.attempt("cp", "web:/nosuch", "x")
                    #expect(missing.status != 0 && missing.stderr.contains("/nosuch"), "\(missing)")
                }
                // An archive whose names lead out.
                try await world.shell(
                    "cd \(world.projectFolder) && mkdir -p t/u && echo bad > t/bad && cd t/u && tar cPf ../../bad.tar ../bad"
                )
                try await world.berth("start", "web")
                let escape = try await world.shell(
                    "cd \(world.projectFolder) && berth cp - web:/evil/full < bad.tar 2>&1 && echo done || true")
                #expect(escape.contains("leads out"), "\(escape)")
                #expect(try await world.container("web").state == .running)
            }
        }

        @Test("a file that grows or shrinks while it is read is whole as far as it was, and a full volume says so")
        func moving() async throws {
            try await World.with(
                project: "moving",
                """
                services:
                  web:
                    image: busybox
                    command: sh -c "while :; do echo line >> /log; done"
                    stop_grace_period: 0s
                    tmpfs: [ "/small:size=1m" ]
                """
            ) { world in
                try await world.berth("up", "-d")
                for _ in 0..<5 {
                    try await world.berth("cp", "web:/log", "log")
                    let odd = try await world.shell("grep -vc '^line$' \(world.projectFolder)/log || true")
                    #expect((Int(odd) ?? 9) <= 1)
                }
                try await world.shell("head -c 4M /dev/zero > \(world.projectFolder)/big")
                let full = try await world.attempt("cp", "big", "web:/small/big")
                #expect(full.status != 0 && full.stderr.contains("space"), "\(full)")
                // The engine dies while a client copies, and the container with its files stays.
                let copy = try world.begin("cp", "web:/", "all")
                try await world.killEngine()
                _ = try await copy.outcome()
                try await world.berth("ps")
                #expect(try await world.container("web").state == .running)
                try await world.berth("cp", "web:/etc", "etc")
            }
        }

        @Test("changes are told, an export has them, a commit makes an image of them, and a saved image loads again")
        func images() async throws {
            try await World.with(project: "image", Self.compose) { world in
                try await world.shell("mkdir \(world.projectFolder)/shared")
                try await world.berth("up", "-d", "web")
                #expect(try await world.berth("container", "diff", "image-web-1").stdout.isEmpty)
                _ = try await inside(
                    world, "echo new > /new; rm /bin/awk; chmod 700 /root; echo v > /data/v; mkdir -p /d/e")
                let changes = try await world.berth("container", "diff", "image-web-1").trimmed
                #expect(changes == "C /bin\nD /bin/awk\nA /d\nA /d/e\nA /new\nC /root", "\(changes)")
                let names = try await world.shell(
                    "cd \(world.projectFolder) && berth export web | tar t; berth container export image-web-1 -o x.tar; tar tf x.tar"
                )
                #expect(names.contains("new") && !names.contains("data/v") && !names.contains("awk"))
                let id = try await world.berth(
                    "commit", "-a", "me", "-m", "why", "-c", "ENV COLOUR=red", "-c", "CMD [\"cat\", \"/new\"]", "web",
                    "made:1"
                ).trimmed
                #expect(id.hasPrefix("sha256:"))
                #expect(try await world.container("web").state == .running)
                #expect(try await world.berth("container", "run", "--rm", "made:1").stdout == "new\n")
                let shown = try await world.berth(
                    "container", "run", "--rm", "made:1", "sh", "-c", "echo $COLOUR; ls /bin/awk /d /data; true"
                )
                .stdout
                #expect(shown.contains("red") && shown.contains("e") && !shown.contains("/bin/awk\n"))
                try await world.berth("image", "save", "-o", "images.tar", "made:1", "busybox")
                try await world.berth("image", "rm", "made:1")
                #expect(
                    try await world.berth("image", "load", "-i", "images.tar").stdout.contains("Loaded image: made:1"))
                #expect(try await world.berth("container", "run", "--rm", "made:1").stdout == "new\n")
                let nosuch = try await world.attempt("image", "save", "-o", "y.tar", "nosuch")
                #expect(nosuch.status != 0 && !fileExists("\(world.projectFolder)/y.tar"))
            }
        }
    }
}
