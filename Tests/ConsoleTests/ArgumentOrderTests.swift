import Console
import Testing

private let verbs = ["up", "down", "logs", "rm", "run", "exec", "ps", "version"]

private func ordered(_ line: String) throws -> String {
    try ArgumentOrder(verbs: ["image": ["ls", "rm"]].merging(verbs.map { ($0, []) }) { first, _ in first }).ordered(
        line.split(separator: " ").map(String.init)
    ).joined(separator: " ")
}

@Test(
    "global flags may stand before the verb or after it",
    arguments: [
        ("-f a.yaml -p demo up -d", "up --file a.yaml --project-name demo -d"),
        ("-fa.yaml -p=demo up", "up --file a.yaml --project-name demo"),
        ("--file=a.yaml --dry-run down -v", "down --file a.yaml --dry-run -v"),
        ("compose up -f a.yaml web", "up --file a.yaml web"),
        ("logs -f web", "logs -f web"), ("-f a.yaml logs -f web", "logs --file a.yaml -f web"),
        ("rm -f", "rm -f"), ("run -p 80:80 web", "run -p 80:80 -- web"), ("version -f json", "version -f json"),
        ("image rm -f x", "image rm -f x"), ("-p demo image ls", "image ls --project-name demo"),
        ("--workdir /x ps", "ps --project-directory /x"), ("--version", "version"), ("-f - up", "up --file -"),
    ])
func globals(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "the command of exec and run is left alone",
    arguments: [
        ("exec -T web ls -f -p x", "exec -T -- web ls -f -p x"),
        ("exec -u root --index 2 web sh -c x", "exec -u root --index 2 -- web sh -c x"),
        ("exec -Tu root web id", "exec -Tu root -- web id"), ("exec -it web --help", "exec -it -- web --help"),
        ("exec -e A=1 -w /x web env", "exec -e A=1 -w /x -- web env"),
        ("run --rm -e A --name n web cmd --flag=false", "run --rm -e A --name n -- web cmd --flag=false"),
        ("run -f a.yaml web", "run --file a.yaml -- web"), ("exec -- web ls", "exec -- web ls"),
    ])
func commands(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "flags may have a truth value, as docker compose allows",
    arguments: [
        ("up --detach=true --wait=false", "up --detach"), ("ps --orphans=false", "ps --no-orphans"),
        ("up --menu=false", "up --no-menu"), ("ps --format=json", "ps --format=json"),
    ])
func truthValues(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "a misspelt verb or flag is met with the right one",
    arguments: [
        ("upp", "unknown verb \"upp\"; did you mean \"up\"?"),
        ("image lss", "unknown verb \"image lss\"; did you mean \"ls\"?"),
        ("--profle x up", "unknown flag --profle before the verb; did you mean \"--profile\"?"),
        ("build", "berth has no `build` yet"), ("-f", "-f needs a value"),
        ("-f x", "a verb is missing after the flags"),
    ])
func slips(_ line: String, _ message: String) throws {
    let failure = #expect(throws: UsageFailure.self) { try ordered(line) }
    #expect(failure?.message == message)
}
