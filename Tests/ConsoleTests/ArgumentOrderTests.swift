import Console
import Testing

private let verbs = [
    "up", "down", "stop", "kill", "logs", "rm", "run", "exec", "ps", "pull", "version", "config", "scale",
]

private func ordered(_ line: String) throws -> String {
    let groups = ["image": ["ls", "rm", "import", "load", "inspect"], "network": ["ls", "inspect", "rm", "create"]]
    return try ArgumentOrder(verbs: groups.merging(verbs.map { ($0, []) }) { first, _ in first }).ordered(
        line.split(separator: " ").map(String.init)
    ).joined(separator: " ")
}

@Test(
    "global flags may stand before the verb or after it",
    arguments: [
        ("-f a.yaml -p demo up -d", "up --file=a.yaml --project-name=demo -d"),
        ("-fa.yaml -p=demo up", "up --file=a.yaml --project-name=demo"),
        ("--file=a.yaml --dry-run down -v", "down --file=a.yaml --dry-run -v"),
        ("--dry-run=false up", "up"), ("--dry-run=1 up", "up --dry-run"),
        ("compose up -f a.yaml web", "up --file=a.yaml web"), ("up --file a.yaml", "up --file=a.yaml"),
        ("logs -f web", "logs -f web"), ("-f a.yaml logs -f web", "logs --file=a.yaml -f web"),
        ("rm -f", "rm -f"), ("run -p 80:80 web", "run --publish=80:80 -- web"),
        ("version -f json", "version --format=json"), ("image rm -f x", "image rm -f x"),
        ("-p demo image ls", "image ls --project-name=demo"), ("--workdir /x ps", "ps --project-directory=/x"),
        ("--version", "version"), ("-v", "version"), ("-f - up", "up --file=-"), ("up -f-", "up --file=-"),
        ("compose version --short", "version --short"), ("up --parallel -1", "up --parallel=-1"),
    ])
func globals(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "the command of exec and run is left alone",
    arguments: [
        ("exec -T web ls -f -p x", "exec -T -- web ls -f -p x"),
        ("exec -u root --index 2 web sh -c x", "exec --user=root --index=2 -- web sh -c x"),
        ("exec -Tu root web id", "exec -T --user=root -- web id"),
        ("exec -it web --help", "exec -i -t -- web --help"),
        ("exec -e A=1 -w /x web env", "exec --env=A=1 --workdir=/x -- web env"),
        ("run --rm -e A --name n web cmd --flag=false", "run --rm --env=A --name=n -- web cmd --flag=false"),
        ("run -f a.yaml web", "run --file=a.yaml -- web"), ("exec -- web ls", "exec -- web ls"),
        ("exec -T web kill -t0 -1", "exec -T -- web kill -t0 -1"),
    ])
func commands(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "values are glued to short options, and short options bundled, as docker compose takes them",
    arguments: [
        ("down -t0", "down --timeout=0"), ("down -t=0", "down --timeout=0"), ("down -vt0", "down -v --timeout=0"),
        ("down -vt 0", "down -v --timeout=0"), ("down -vt=1m30s", "down -v --timeout=1m30s"),
        ("up -dyVt5 web", "up -d -y -V --timeout=5 web"), ("stop -t -1", "stop --timeout=-1"),
        ("logs -n5", "logs --tail=5"), ("logs -ftn5 web", "logs -f -t --tail=5 web"),
        ("logs -n all web", "logs --tail=all web"), ("exec -uroot web id", "exec --user=root -- web id"),
        ("exec -eA=1 -eB= web env", "exec --env=A=1 --env=B= -- web env"),
        ("exec -itw/tmp web sh", "exec -i -t --workdir=/tmp -- web sh"),
        ("run -v/a:/b -p8080:80 web", "run --volume=/a:/b --publish=8080:80 -- web"),
        ("run -dP -lx=y web", "run -d -P --label=x=y -- web"), ("run -e -x web", "run --env=-x -- web"),
        ("kill -sTERM web", "kill --signal=TERM web"), ("version -fjson", "version --format=json"),
        ("config -qo/tmp/x", "config -q --output=/tmp/x"), ("ps -aq -pdemo", "ps -a -q --project-name=demo"),
        ("image load -qi/tmp/x", "image load -q --input=/tmp/x"),
        ("image import -cCMD=x a b", "image import --change=CMD=x a b"),
        (
            "network create -dbridge -oa=b --label=x=true --ipv4=false n",
            "network create --driver=bridge --opt=a=b --label=x=true --no-ipv4 n"
        ),
        ("network inspect -f{{.Name}} a", "network inspect --format={{.Name}} a"),
        ("ps -x", "ps -x"), ("ps -qax", "ps -qax"), ("stop -t", "stop --timeout"),
    ])
func shortForms(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "flags may have a truth value, as docker compose allows",
    arguments: [
        ("up --detach=true --wait=false", "up --detach"), ("ps --orphans=false", "ps --no-orphans"),
        ("up --menu=false", "up --no-menu"), ("ps --format=json", "ps --format=json"),
        ("ps --all=1 --orphans=F", "ps --all --no-orphans"), ("logs -t=true -f=0", "logs -t"),
        ("exec -t=false web sh", "exec --no-tty -- web sh"), ("run --tty=false web", "run --no-tty -- web"),
        ("up --detach=maybe", "up --detach=maybe"), ("pull --parallel web", "pull web"),
        ("pull --parallel 2 web", "pull --parallel=2 web"),
    ])
func truthValues(_ line: String, _ expected: String) throws { #expect(try ordered(line) == expected) }

@Test(
    "a misspelt verb or flag is met with the right one",
    arguments: [
        ("upp", "unknown verb \"upp\"; did you mean \"up\"?"),
        ("image lss", "unknown verb \"image lss\"; did you mean \"ls\"?"),
        ("--profle x up", "unknown flag --profle before the verb; did you mean \"--profile\"?"),
        ("publish", "berth has no `publish` yet"), ("-f", "-f needs a value"),
        ("-f x", "a verb is missing after the flags"),
    ])
func slips(_ line: String, _ message: String) throws {
    let failure = #expect(throws: UsageFailure.self) { try ordered(line) }
    #expect(failure?.message == message)
}
