import Console
import EngineWire
import Linux
import Testing

/// README and docs beside the code: what they name is there.
@Suite struct DocumentTests {
    @Test("the page of exit codes has every code of a failure, and no other")
    func failureCodes() throws {
        let page = try Page("docs/exit-codes.md")
        let start = try #require(page.text.firstRange(of: "## Codes of failures")?.upperBound)
        let rows = page.text[start...].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let named = rows.flatMap { row in
            row.split(separator: "|")[0].split(separator: "`").map(String.init).filter {
                $0.allSatisfy { $0.isLetter || $0 == "_" }
            }
        }
        let simulated: [EngineFailure.Code] = [.simulated, .crashed]
        #expect(
            named.sorted() == EngineFailure.Code.allCases.filter { !simulated.contains($0) }.map(\.rawValue).sorted())
    }

    @Test("every command that a page shows has a verb, and flags of that verb")
    func commands() throws {
        let tree = try CommandTree()
        var count = 0
        for page in try Page.all() {
            for command in page.commands {
                count += 1
                check(command, of: page, tree)
            }
        }
        #expect(count > 60)
    }

    private func check(_ command: [String], of page: Page, _ tree: CommandTree) {
        var words = command[...]
        var before: [String] = []
        while let word = words.first, word.hasPrefix("-") {
            before.append(words.removeFirst())
            if ["-f", "-p", "--project-name", "--file"].contains(word) { words = words.dropFirst() }
        }
        guard let first = words.popFirst(), first != "help", first != "…", first != "compose" else { return }
        var name = first
        if let inner = words.first, tree.verb("\(first) \(inner)") != nil { name = "\(first) \(words.removeFirst())" }
        guard let verb = tree.verb(name) else {
            #expect(ArgumentOrder.missing.contains(name), "\(page.path): berth \(command.joined(separator: " "))")
            return
        }
        var isCommand = false
        for word in words where !isCommand {
            if !word.hasPrefix("-"), ["exec", "run"].contains(name) { isCommand = true }
            guard word.hasPrefix("--"), let flag = word.dropFirst(2).split(separator: "=").first else { continue }
            let isKnown = verb.options.contains { $0.long.contains(String(flag)) }
            #expect(isKnown, "\(page.path): berth \(command.joined(separator: " "))")
        }
    }

    @Test("every flag that stands alone in a page is one of some verb or of the engine")
    func flags() throws {
        let engine = try ProgramOutput.of(
            "\(programFolder)/berthd", arguments: ["berthd", "--help"], environment: [], input: [])
        let engineHelp = String(decoding: engine, as: UTF8.self)
        let known = Set(try CommandTree().verbs.flatMap { $0.options.flatMap(\.long) })
        for page in try Page.all() where page.path != "CONTRIBUTING.md" && !page.path.hasPrefix("docs/decisions") {
            for span in page.codeSpans where span.hasPrefix("--") {
                let flag = String(span.dropFirst(2).prefix { $0.isLetter || $0.isNumber || $0 == "-" })
                #expect(
                    known.contains(flag) || engineHelp.contains("--\(flag)") || ["build", "watch"].contains(flag),
                    "\(page.path): \(span)")
            }
        }
    }

    @Test(
        "README's table of programs, the Makefile and the installer have what the package makes, and the number is right"
    )
    func programs() throws {
        let manifest = try readText("\(packageFolder)/Package.swift")
        let products = manifest.split(separator: "\n").compactMap { line -> String? in
            guard let start = line.firstRange(of: ".executable(name: \"")?.upperBound else { return nil }
            return line[start...].firstIndex(of: "\"").map { String(line[start..<$0]) }
        }
        let readme = try Page("README.md")
        let table = readme.text.split(separator: "\n").filter { $0.hasPrefix("| `berth") }
            .compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(table == products)
        let numbers = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
        let number = numbers[products.count - 1]
        for wrong in numbers where wrong != number {
            #expect(!readme.text.lowercased().contains("\(wrong) programs"))
            #expect(!readme.text.lowercased().contains("\(wrong) small programs"))
        }
        for path in ["Makefile", "scripts/install.sh"] {
            let text = try readText("\(packageFolder)/\(path)")
            #expect(text.contains(products.joined(separator: " ")), "\(path)")
        }
    }

    @Test("links between pages lead somewhere, and every page is in the overview")
    func links() throws {
        let pages = try Page.all()
        for page in pages {
            let folder = page.path.split(separator: "/").dropLast()
            for link in page.links where !link.contains("://") {
                let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
                var path = folder
                for step in parts[0].split(separator: "/") {
                    if step == ".." { path = path.dropLast() } else { path.append(step) }
                }
                let target = parts[0].isEmpty ? page.path : path.joined(separator: "/")
                #expect(fileExists("\(packageFolder)/\(target)"), "\(page.path): \(link)")
                guard parts.count > 1, target.hasSuffix(".md") else { continue }
                #expect(try Page(target).anchors.contains(parts[1]), "\(page.path): \(link)")
            }
        }
        let overview = try Page("docs/README.md").links
        for page in pages where page.path.hasPrefix("docs/") && page.path != "docs/README.md" {
            #expect(overview.contains(String(page.path.dropFirst("docs/".count))), "\(page.path)")
        }
    }

    @Test("the verbs that are told as missing are the ones in the page of differences and in README")
    func missingVerbs() throws {
        let line = try #require(
            try Page("docs/differences.md").text.split(separator: "\n").first { $0.hasPrefix("- Verbs: ") })
        let named = line.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }
            .compactMap { $0.element.split(separator: " ").first.map(String.init) }
        #expect(Set(named) == ArgumentOrder.missing)
        let readme = try Page("README.md").text
        let start = try #require(readme.firstRange(of: "**Not there yet**")?.lowerBound)
        let section = readme[start...].prefix { $0 != "#" }
        let words = section.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let verbs = Set(try CommandTree().verbs.map(\.name))
        for word in words { #expect(!verbs.contains(word), "README says that `\(word)` is missing") }
    }

    @Test("pages that messages point to are there")
    func pointers() throws {
        for file in try swiftFiles(below: "\(packageFolder)/Sources") {
            let text = try readText(file, limit: 1 << 22)
            for piece in text.split(separator: "berth help ", omittingEmptySubsequences: false).dropFirst() {
                let page = piece.prefix { $0.isLetter || $0 == "-" }
                guard !page.isEmpty, page != "pages", page.first?.isLowercase == true else { continue }
                #expect(fileExists("\(packageFolder)/docs/\(page).md"), "\(file): berth help \(page)")
            }
            #expect(
                !text.contains("\"docs/") && !text.contains(" docs/"),
                "\(file) names a page that an installed berth has elsewhere")
        }
    }

    private func swiftFiles(below folder: String) throws -> [String] {
        try folderEntries(folder).flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".swift") { return [path] }
            return name.contains(".") ? [] : try swiftFiles(below: path)
        }
    }
}
