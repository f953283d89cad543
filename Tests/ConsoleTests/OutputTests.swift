import Console
import EngineWire
import JSON
import Testing

@Test("plain progress is docker compose's line, with the reason behind it")
func plainProgress() {
    let created = ObjectProgress(kind: .container, name: "demo-db-1", status: "Created", isDone: true)
    #expect(PlainProgress.line(created) == " Container demo-db-1  Created")
    var recreated = created
    recreated.status = "Recreate"
    recreated.reason = "environment.DEBUG added"
    #expect(PlainProgress.line(recreated) == " Container demo-db-1  Recreate  # environment.DEBUG added")
    #expect(PlainProgress.line(created, mark: " DRY-RUN MODE - ") == " DRY-RUN MODE -  Container demo-db-1  Created")
}

@Test("JSON progress is one object an event")
func jsonProgress() {
    let event = ProgressEvent.object(
        ObjectProgress(
            kind: .network, name: "demo_default", status: "Error", isDone: true, isFailure: true, reason: "x"))
    #expect(JSONProgress.line(event) == #"{"id":"Network demo_default","status":"Error","error":true,"reason":"x"}"#)
    #expect(JSONProgress.line(.started(operation: "1")) == nil)
    #expect(
        JSONProgress.line(EngineFailure(code: .portTaken, message: "port 80", hint: "h"))
            == #"{"error":true,"code":"port_taken","message":"port 80","hint":"h"}"#)
}

@Test("the redrawn block counts what is done, aligns times, and fits its width")
func block() {
    var block = ProgressBlock()
    func take(_ kind: ObjectProgress.Kind, _ name: String, _ status: String, done: Bool, at time: Double) {
        _ = block.take(.object(ObjectProgress(kind: kind, name: name, status: status, isDone: done)), at: time)
    }
    take(.network, "demo_default", "Creating", done: false, at: 0)
    take(.network, "demo_default", "Created", done: true, at: 0.1)
    take(.container, "demo-web-1", "Starting", done: false, at: 0.2)
    let plain = Style(isColoured: false)
    #expect(
        block.lines(width: 60, height: nil, style: plain, at: 1) == [
            "[+] Running 1/2",
            " ✔ Network demo_default  Created                       0.1s",
            " ⠋ Container demo-web-1  Starting                      0.8s",
        ])
    for width in [20, 30, 40] {
        #expect(block.lines(width: width, height: nil, style: plain, at: 1).allSatisfy { displayWidth($0) < width })
    }
}

@Test("a block that is higher than the terminal keeps what is still at work")
func tallBlock() {
    var block = ProgressBlock()
    for index in 1...10 {
        _ = block.take(
            .object(ObjectProgress(kind: .container, name: "c\(index)", status: "x", isDone: index > 2)), at: 0)
    }
    let lines = block.lines(width: nil, height: 4, style: Style(isColoured: false), at: 0)
    #expect(lines.count == 4)
    #expect(lines.contains { $0.contains("c1 ") } && lines.contains { $0.contains("c2 ") })
}

@Test("a plan reads line by line, with reasons and what needs consent")
func planText() {
    let plan = PlanDescription(actions: [
        .init(number: 1, text: "create db.1", after: [], reason: "no container"),
        .init(number: 2, text: "start db.1", after: [1], reason: ""),
        .init(number: 10, text: "remove volume v", after: [1, 2], reason: "driver changed", needsConsent: "v"),
    ])
    #expect(
        PlanText.text(plan) == """
             1 create db.1  # no container
             2 start db.1 after 1
            10 remove volume v after 1,2  # driver changed  ! loses the data of v; berth asks first; -y agrees

            """)
    #expect(PlanText.text(PlanDescription(actions: [])) == "Nothing to do: the machine already matches the file.\n")
}

@Test("a failure shows what its exit code means, the last lines and the hint")
func failureText() {
    var failure = EngineFailure(
        code: .dependencyFailed, message: "demo-web-1 exited (137)", hint: "more memory", log: ["a", "b"])
    failure.exitCode = 137
    #expect(
        FailureText(style: Style(isColoured: false)).text(failure) == """
            error: demo-web-1 exited (137) (killed by SIGKILL)
            its last lines:
              | a
              | b
            hint: more memory
            """)
}

@Test(
    "a failure shows what the health check said",
    arguments: [
        (HealthAnswer(code: 1, output: ["no"]), "its last health check ended with code 1:\n  | no"),
        (HealthAnswer(code: 1, output: []), "its last health check ended with code 1"),
        (HealthAnswer(code: nil, output: []), "its last health check took too long"),
    ])
func failureOfHealth(_ answer: HealthAnswer, _ expected: String) {
    let failure = EngineFailure(code: .notReady, message: "container a is unhealthy", probe: answer)
    let text = FailureText(style: Style(isColoured: false)).text(failure)
    #expect(text == "error: container a is unhealthy\n\(expected)")
}

@Test("a program gets the answer of the health check as JSON")
func jsonOfHealth() {
    let failure = EngineFailure(
        code: .notReady, message: "container a is unhealthy", probe: HealthAnswer(code: 1, output: ["no"]))
    let head = #"{"error":true,"code":"not_ready","message":"container a is unhealthy","healthcheck":"#
    #expect(JSONProgress.line(failure) == head + #"{"code":1,"output":["no"]}}"#)
    var hanging = failure
    hanging.probe = HealthAnswer(code: nil, output: [])
    #expect(JSONProgress.line(hanging) == head + #"{"output":[]}}"#)
}

@Test("a service has the same colour in every verb and run")
func colours() {
    let services = ["web", "db", "cache"]
    #expect(Style.tone(of: "cache", among: services) == .cyan)
    #expect(Style.tone(of: "web", among: services) == Style.tone(of: "web", among: services.reversed()))
    #expect(Style.tone(of: "gone", among: services) == Style.tone(of: "gone", among: []))
    #expect(Style(isColoured: true)(.red, "x") == "\u{1B}[31mx\u{1B}[0m")
}

@Test(
    "a label without its number is the service",
    arguments: [("web-1", "web"), ("my-app-12", "my-app"), ("named", "named"), ("odd-", "odd-")])
func labels(_ label: String, _ service: String) { #expect(LogPrinter.service(ofLabel: label) == service) }

@Test(
    "a slip of the fingers is recognised, another word is not",
    arguments: [
        ("upp", "up"), ("dwon", "down"), ("strat", "start"), ("--wiat", "--wait"), ("frobnicate", nil), ("xy", nil),
        ("wb", "web"),
    ] as [(String, String?)])
func suggestions(_ word: String, _ expected: String?) {
    let known = ["up", "down", "start", "stop", "restart", "db", "web", "--wait", "--watch"]
    #expect(Suggestion.closest(to: word, among: known) == expected)
}
