import OCI
import Testing

@Suite struct SignalNameTests {
    @Test(
        "a signal is a name, with or without SIG, or a number",
        arguments: [
            ("9", 9), ("kill", 9), ("SIGKILL", 9), ("Term", 15), ("sigusr1", 10), ("SIGSYS", 31), ("POLL", 29),
            ("IOT", 6),
            ("RTMIN", 34), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("SIGRTMAX", 64),
        ] as [(String, Int32)])
    func numbers(text: String, number: Int32) { #expect(SignalName.number(text) == number) }

    @Test(
        "what is none is refused", arguments: ["", "SIG", "NOSUCH", "0", "65", "-9", "RTMIN-1", "RTMIN+40", "RTMAX+1"])
    func refused(text: String) { #expect(SignalName.number(text) == nil) }

    @Test("a number has a name", arguments: [(15, "SIGTERM"), (31, "SIGSYS"), (37, "SIGRTMIN+3"), (70, "SIG70")])
    func names(number: Int32, name: String) { #expect(SignalName.name(number) == name) }
}
