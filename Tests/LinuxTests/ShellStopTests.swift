import Glibc
import Linux
import Testing

/// Shells as the first process of a pid namespace, stopped by their programs.
@Suite(.enabled(if: geteuid() == 0)) struct ShellStopTests {
    /// A script of a shell that is process 1, and what its programs say once they were asked to end.
    struct Scene: Sendable, CustomTestStringConvertible {
        let shell: [String]
        let script: String
        /// Lines, sorted; nil: it is nobody's to stop by its programs.
        let heard: [String]?
        var testDescription: String { "\(shell.joined(separator: " ")): \(script)" }
    }

    /// `S NAME SECONDS` ends that long after a TERM, and says so. `R` copies lines, and says when there are no more.
    private static let programs = [
        "S": """
        #!/bin/bash
        trap 'sleep "$2"; echo "$1" >> "$OUT"; exit 0' TERM
        echo >> "$READY"
        while :; do sleep 0.05 & wait $!; done
        """,
        "R": """
        #!/bin/bash
        echo >> "$READY"
        while read -r line; do echo "read $line" >> "$OUT"; done
        echo over >> "$OUT"
        """,
    ]

    private static let scripts: [(String, [String]?)] = [
        ("S a 0; true", ["a"]), ("S a 0.3 & S b 0.1 & wait", ["a", "b"]), ("while :; do S a 0; done", ["a"]),
        ("(S a 0; true); true", ["a"]), ("sh -c 'S a 0.3; true'; true", ["a"]),
        ("bash -c 'sh -c \"S a 0; true\"; true'; true", ["a"]),
        ("(S a 0.2; echo y) | R; true", ["a", "over", "read y"]), ("S a 0 | R | R; true", ["a", "over", "over"]),
        ("trap : TERM; S a 0; true", nil), ("exec S a 0", nil), ("echo >> $READY; read line < /dev/zero; true", nil),
    ]

    static let scenes = [["dash"], ["bash"], ["busybox", "sh"]].flatMap { shell in
        scripts.map { Scene(shell: shell, script: $0.0, heard: $0.1) }
    }

    @Test("programs of a shell get the stop signal, each once, readers last, nobody else's child", arguments: scenes)
    func stops(_ scene: Scene) async throws {
        let folder = "/tmp/berth-shell-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        for (name, text) in Self.programs {
            try writeFileAtomically("\(folder)/\(name)", Array(text.utf8), mode: 0o755)
        }
        let expected = scene.script.split { !$0.isLetter && $0 != "$" }.count { ["S", "R", "$READY"].contains($0) }
        let environment = [
            "PATH=\(folder):/usr/bin:/bin", "OUT=\(folder)/out", "READY=\(folder)/ready", "LC_ALL=C.UTF-8",
        ]
        let namespace = try spawnProcess(
            "/usr/bin/env",
            arguments: ["env", "-i"] + environment + ["unshare", "--pid", "--fork", "--kill-child"] + scene.shell + [
                "-c", scene.script,
            ])
        defer {
            kill(namespace, SIGKILL)
            waitpid(namespace, nil, 0)
        }
        func lines(_ name: String) -> [String] {
            ((try? readText("\(folder)/\(name)")) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast().map(String.init)
        }
        while lines("ready").count < expected { try await Task.sleep(for: .milliseconds(5)) }
        // What it was ready for is what it does from now on.
        try await Task.sleep(for: .milliseconds(100))
        let first = try #require(ProcessTree.children(of: namespace).first)
        guard var stop = ShellStop(of: first, signal: SIGTERM) else {
            #expect(scene.heard == nil)
            return
        }
        let begun = ContinuousClock.now
        while !stop.goOn(after: ContinuousClock.now - begun) { try await Task.sleep(for: .milliseconds(5)) }
        while let heard = scene.heard, lines("out").count < heard.count { try await Task.sleep(for: .milliseconds(5)) }
        #expect(lines("out").sorted() == scene.heard)
    }

    @Test("an init that has a shell for its only child is passed over, another one is not")
    func inits() async throws {
        let tests = try #require(CallingProcess.executablePath)
        let program = tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/berth-init"
        // A test may wait for minutes until it comes to its next line.
        for (command, isPassed) in [(["sh", "-c", "sleep infinity; true"], true), (["sleep", "infinity"], false)] {
            let pid = try spawnProcess(program, arguments: ["init"] + ["/usr/bin/env"] + command)
            defer {
                for child in ProcessTree.children(of: pid) {
                    for program in ProcessTree.children(of: child) { kill(program, SIGKILL) }
                    kill(child, SIGKILL)
                }
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
            // Until its command is what `env` makes of it.
            while try !isRunning(command[0], below: pid) {
                try #require(try !ProcessStatus(of: pid).isZombie)
                try await Task.sleep(for: .milliseconds(5))
            }
            var stop = ShellStop(of: pid, signal: SIGTERM)
            // A shell that gets no processor does not come to rest within the moment in which it is looked at.
            for _ in 0..<1_000 where stop == nil && isPassed {
                try await Task.sleep(for: .milliseconds(5))
                stop = ShellStop(of: pid, signal: SIGTERM)
            }
            #expect((stop != nil) == isPassed)
            if stop != nil { while stop?.goOn(after: .zero) == false { try await Task.sleep(for: .milliseconds(5)) } }
        }
    }

    /// The only child of `pid` is `name`, and it has started what it starts.
    private func isRunning(_ name: String, below pid: CInt) throws -> Bool {
        guard let child = ProcessTree.children(of: pid).first, let status = try? ProcessStatus(of: child) else {
            return false
        }
        return status.name == name && (name != "sh" || !ProcessTree.children(of: child).isEmpty)
    }
}
