import Console
import Testing

@Test(
    "an age reads as docker writes it",
    arguments: [
        (0.4, "Less than a second"), (1, "1 second"), (59.9, "59 seconds"), (60, "About a minute"),
        (119, "About a minute"), (120, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"), (5400, "2 hours"),
        (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"),
        (800 * 86400, "2 years"),
    ] as [(Double, String)])
func ages(_ seconds: Double, _ text: String) { #expect(HumanUnits.duration(seconds: seconds) == text) }

@Test(
    "a size has three significant digits",
    arguments: [(0, "0B"), (999, "999B"), (1000, "1kB"), (1_984_213, "1.98MB"), (123_456_789, "123MB")]
        as [(Int64, String)])
func sizes(_ bytes: Int64, _ text: String) { #expect(HumanUnits.size(bytes) == text) }

@Test(
    "instants become dates without a library",
    arguments: [
        (0, "1970-01-01 00:00:00 +0000 UTC"), (951_782_400, "2000-02-29 00:00:00 +0000 UTC"),
        (1_795_552_506, "2026-11-24 20:35:06 +0000 UTC"), (4_107_542_399, "2100-02-28 23:59:59 +0000 UTC"),
        (-1, "1969-12-31 23:59:59 +0000 UTC"),
    ] as [(Double, String)])
func dates(_ seconds: Double, _ text: String) { #expect(CalendarTime.createdAt(seconds) == text) }

@Test("a log line's time keeps its nanoseconds")
func nanoseconds() {
    #expect(CalendarTime.rfc3339(nanoseconds: 1_795_552_506_023_572_040) == "2026-11-24T20:35:06.023572040Z")
    #expect(CalendarTime.rfc3339(nanoseconds: 999_999_999) == "1970-01-01T00:00:00.999999999Z")
}

@Test(
    "--since takes instants and spans",
    arguments: [
        ("10m", 999_400), ("1h30m", 994_600), ("1.5s", 999_998.5), ("12345", 12345), ("1970-01-02T00:00:00Z", 86400),
        ("1970-01-02", 86400), ("1970-01-01T01:00:00+01:00", 0), ("1970-01-01T00:00:00.25Z", 0.25),
    ] as [(String, Double)])
func instants(_ text: String, _ expected: Double) throws {
    #expect(try InstantArgument.parse(text, now: 1_000_000) == expected)
}

@Test("--since refuses what is neither", arguments: ["bad", "", "10 m", "1970-13-01", "5y", "m"])
func badInstants(_ text: String) {
    #expect(throws: InstantArgument.Invalid.self) { try InstantArgument.parse(text, now: 0) }
}

@Test("a time without a zone is local")
func localInstant() throws {
    #expect(try InstantArgument.parse("1970-01-02T00:00:00", now: 0, offset: { _ in 3600 }) == 82800)
}
