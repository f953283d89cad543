import Testing
import YAML

@Suite("Plain scalars") struct ScalarTests {
    @Test(
        "mean what they mean to docker compose",
        arguments: [
            ("yes", .string("yes")), ("on", .string("on")), ("true", .bool(true)), ("True", .bool(true)),
            ("~", .null), ("", .null), ("null", .null), ("010", .integer(8)), ("0o10", .integer(8)),
            ("0x1F", .integer(31)), ("0b11", .integer(3)), ("0x0b1", .integer(177)), ("1_000", .integer(1000)),
            ("08", .float(8)),
            ("0777", .integer(511)), ("1.0", .float(1)), ("1.10", .float(1.1)), ("1e3", .float(1000)),
            (".5", .float(0.5)), ("1.", .float(1)), ("-5", .integer(-5)), ("+5", .integer(5)),
            ("12:30", .string("12:30")), ("190:20:30", .string("190:20:30")), ("2020-01-01", .timestamp("2020-01-01")),
            ("18446744073709551615", .unsigned(UInt64.max)), ("-9223372036854775808", .integer(Int64.min)),
            ("0x", .string("0x")), ("1e", .string("1e")), ("0o8", .string("0o8")), ("0x0o17", .string("0x0o17")),
            ("=", .string("=")),
            ("1.2.3", .string("1.2.3")), ("-", .string("-")), ("8080:80", .string("8080:80")),
            (".inf", .float(.infinity)), ("-.inf", .float(-.infinity)), ("nope", .string("nope")),
            ("2020-13-01", .string("2020-13-01")),
            ("2001-12-14t21:59:43.10-05:00", .timestamp("2001-12-14t21:59:43.10-05:00")),
        ] as [(String, Node.Value)])
    func resolves(_ text: String, _ value: Node.Value) { #expect(ScalarResolution.resolve(text) == value) }
}
