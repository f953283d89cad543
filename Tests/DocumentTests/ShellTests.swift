import Glibc
import Linux
import Testing

/// What is installed for a shell and for `man`, made from what `berth` says of itself.
@Suite struct ShellTests {
    private let berth = "\(programFolder)/berth"

    private func offered(_ words: [String], for verb: String, in folder: String, run: String) throws -> [String] {
        let script =
            "cd '\(folder)' && exec '\(berth)' ---completion \(verb) -- positional@0 1 0 "
            + words.map { "'\($0)'" }.joined(separator: " ")
        let text = try ProgramOutput.of(
            "/bin/sh", arguments: ["sh", "-c", script],
            environment: ["PATH=/usr/bin:/bin", "BERTH_RUN=\(run)", "BERTH_ROOT=\(run)"], input: [])
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    @Test("services are offered of the file that the command line means, and no engine is started for it")
    func services() throws {
        let folder = "/tmp/berth-shell-\(getpid())"
        try makeFolders("\(folder)/other")
        defer { try? removeTree(folder) }
        try writeFileAtomically(
            "\(folder)/compose.yaml", Array("services: { web: { image: a }, db: { image: b } }".utf8), mode: 0o644)
        try writeFileAtomically(
            "\(folder)/other/one.yaml", Array("services: { lone: { image: '${NOT_SET}a' } }".utf8), mode: 0o644)
        let run = "\(folder)/run"
        #expect(try offered(["berth", "up", ""], for: "up", in: folder, run: run) == ["db", "web"])
        #expect(
            try offered(["berth", "-f", "other/one.yaml", "logs", ""], for: "logs", in: folder, run: run) == ["lone"])
        #expect(try offered(["berth", "logs", ""], for: "logs", in: "\(folder)/other", run: run) == ["db", "web"])
        #expect(
            try offered(["berth", "--file=nothing.yaml", "logs", ""], for: "logs", in: folder, run: run) == [])
        #expect(try offered(["berth", "container", "stop", ""], for: "container stop", in: folder, run: run) == [])
        #expect(!fileExists(run))
    }

    @Test("the three shells get a script", arguments: ["bash", "zsh", "fish"])
    func scripts(shell: String) throws {
        let text = try ProgramOutput.of(
            berth, arguments: ["berth", "--generate-completion-script", shell], environment: [], input: [])
        #expect(String(decoding: text, as: UTF8.self).contains("---completion"))
    }

    @Test("every verb has a manual page with each of its options", .enabled(if: fileExists("/usr/bin/python3")))
    func manual() throws {
        let folder = "/tmp/berth-manual-\(getpid())"
        defer { try? removeTree(folder) }
        _ = try ProgramOutput.of(
            "/usr/bin/python3", arguments: ["python3", "\(packageFolder)/scripts/manpages.py", berth, folder],
            environment: ["PATH=/usr/bin:/bin"], input: [])
        let tree = try CommandTree()
        let pages = Set(try folderEntries(folder))
        #expect(pages.contains("berth.1"))
        for verb in tree.verbs {
            let page = "berth-\(verb.name.split(separator: " ").joined(separator: "-")).1"
            // A verb's further names stand on the page of its first.
            guard pages.contains(page) else { continue }
            let text = try readText("\(folder)/\(page)")
            for option in verb.options.filter(\.isShown).flatMap(\.long) {
                let name = option.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "\\-")
                #expect(text.contains("\\-\\-\(name)\\fR"), "\(page): --\(option)")
            }
        }
        #expect(pages.count > 60)
    }
}
