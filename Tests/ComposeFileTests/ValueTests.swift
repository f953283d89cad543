import Addresses
import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("Values") struct ValueTests {
    @Test(
        "sizes",
        arguments: [
            ("512", 512), ("1b", 1), ("1k", 1024), ("1kb", 1024), ("1KiB", 1024), ("64m", 67_108_864),
            ("1.5g", 1_610_612_736), ("0.1k", 102), ("1 gb", 1_073_741_824), (".5k", 512), ("1.", 1), ("+1", 1),
            ("1e3", 1000), ("-1", -1), ("2t", 2_199_023_255_552), ("", nil), ("k", nil), ("1x", nil), ("1 ki", nil),
            ("-2", nil), ("1  k", nil), ("1eb", nil), ("99999999999999999999", nil), ("0x10", nil), ("1,5", nil),
        ] as [(String, Int64?)])
    func sizes(_ text: String, _ expected: Int64?) { #expect(ByteCount.parse(text) == expected) }

    @Test(
        "durations, and Go's text of them",
        arguments: [
            ("90s", "1m30s"), ("1h", "1h0m0s"), ("1d", "24h0m0s"), ("1w", "168h0m0s"), ("1500ms", "1.5s"),
            ("100ms", "100ms"), ("1us", "1µs"), ("1µs", "1µs"), ("1ns", "1ns"), ("0", "0s"), ("0s", "0s"),
            ("1.5d", "36h0m0s"), ("1m1m", "2m0s"), ("-5s", "-5s"), ("+5s", "5s"), ("1.5h", "1h30m0s"), ("10", nil),
            ("", nil), ("1S", nil), ("1 s", nil), ("s", nil), ("1x", nil), ("400w400w400w400000w", nil),
            ("1.2.3s", nil),
        ] as [(String, String?)])
    func durations(_ text: String, _ expected: String?) {
        #expect(GoDuration.parse(text).map(GoDuration.text) == expected)
    }

    @Test(
        "commands are split at spaces, with quotes and backslashes",
        arguments: [
            ("echo hi", ["echo", "hi"]), ("a  b\tc", ["a", "b", "c"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
            ("a\\ b", ["a b"]), ("a \"\"", ["a", ""]), ("", []), ("a # b", ["a", "#", "b"]), ("a'b'c", ["abc"]),
            ("'a\\b'", ["a\\b"]), ("\"a\\\"b\"", ["a\"b"]), ("echo $(date -u)", ["echo", "$(date -u)"]),
            ("a `b c`", ["a", "`b c`"]), ("a 'b", nil), ("a (b)", nil), ("a\\", nil),
            ("ab\\tcd e\\nf", ["ab\tcd", "e\nf"]), ("\\ab \\:c", ["ab", ":c"]),
            ("1:2=3-4_5/6.7@8,é", ["1:2=3-4_5/6.7@8,é"]),
        ] as [(String, [String]?)])
    func commands(_ text: String, _ expected: [String]?) { #expect(CommandWords.split(text)?.words == expected) }

    @Test("what follows a shell operator is reported, not lost in silence", arguments: [";", "&", "|", "<", ">"])
    func operators(_ character: String) {
        let split = CommandWords.split("a \(character) b")
        #expect(split?.words == ["a"] && split?.dropped == "\(character) b")
    }

    @Test(
        "ports",
        arguments: [
            ("80", "80/tcp"), ("8080:80", "8080->80/tcp"), ("127.0.0.1:8080:80", "127.0.0.1:8080->80/tcp"),
            ("127.0.0.1::80", "127.0.0.1:80/tcp"), (":80", "80/tcp"), ("53:53/UDP", "53->53/udp"),
            ("[::1]:80:80", "::1:80->80/tcp"), ("::1:80:80", "::1:80->80/tcp"), ("3-4", "3/tcp 4/tcp"),
            ("8000-8001:3-4", "8000->3/tcp 8001->4/tcp"), ("9000-9010:80", "9000-9010->80/tcp"),
            ("9-11", "10/tcp 11/tcp 9/tcp"), ("", "the container's port is missing"),
            ("80:", "the container's port is missing"),
            ("x:80", "the host port 'x' is not a number from 0 to 65535 or a range"),
            ("80:70000", "the container port '70000' is not a number from 0 to 65535 or a range"),
            ("80:80/xyz", "the protocol 'xyz' is not tcp, udp or sctp"), ("a.b:80:80", "'a.b' is not an IP address"),
            ("80-82:80-81", "3 host ports (80-82) for 2 container ports (80-81)"),
            ("9-8", "the range '9-8' runs backwards"),
        ])
    func ports(_ text: String, _ expected: String) {
        let found: String
        do throws(PortSpec.Failure) {
            found = try PortSpec.parse(text).map { port in
                let host = (port.hostIP.map { "\($0):" } ?? "") + (port.published.map { "\($0)->" } ?? "")
                return "\(host)\(port.target)/\(port.transport)"
            }.joined(separator: " ")
        } catch {
            found = error.message
        }
        #expect(found == expected)
    }

    @Test(
        "volumes",
        arguments: [
            ("/data", "volume - /data"), ("vol:/data", "volume vol /data"), ("./a:/b", "bind ./a /b"),
            ("~/a:/b:ro", "bind ~/a /b ro"), ("vol:/b:nocopy", "volume vol /b nocopy"),
            ("/a:/b:z,rshared", "bind /a /b z rshared"), ("v:/data", "volume v /data"),
            ("C:\\x:/data", "bind C:\\x /data"), ("vol:/c:typo", "volume vol /c ?typo"),
            ("vol:/c:cached", "volume vol /c"), ("a", "volume - a"), ("", "the volume is empty"),
            ("C:/x:/data:ro", "bind C:/x /data ro"), ("D:\\x:E:\\y", "bind D:\\x E:\\y"),
            ("v:/data:ro", "volume v /data ro"), ("./a:C:/etc/a", "bind ./a C:/etc/a"),
            ("v:C:/a:ro", "bind v:C /a ro"), ("D:/x:E:/y:ro", "bind D:/x E:/y ro"),
            ("a:b:c:d:e", "bind a:b c:d ?e"), ("v:/data:typo", "volume v /data ?typo"),
            ("\u{e9}:/x", "volume - \u{e9}:/x"),
            ("v:data", "volume v data"), ("a:/x:/y", "bind a:/x /y"),
            ("\\\\srv\\x:/data", "bind \\\\srv\\x /data"), ("${A:-/x}/y:/z:ro", "volume ${A:-/x}/y /z ro"),
            ("vol:/d/${A:-${B:-c}}", "volume vol /d/${A:-${B:-c}}"),
            ("a::b", "'a::b' has an empty part between colons"), ("aa:bb:ro:x", "'aa:bb:ro:x' has too many colons"),
        ])
    func volumes(_ text: String, _ expected: String) {
        let found: String
        do throws(VolumeSpec.Failure) {
            let spec = try VolumeSpec.parse(text)
            var words = [spec.isBind ? "bind" : "volume", spec.source ?? "-", spec.target]
            if spec.readOnly { words.append("ro") }
            if spec.noCopy { words.append("nocopy") }
            words += [spec.selinux, spec.propagation].compactMap { $0 } + spec.unknown.map { "?\($0)" }
            found = words.joined(separator: " ")
        } catch {
            found = error.message
        }
        #expect(found == expected)
    }

    @Test(
        "IP addresses",
        arguments: [
            ("1.2.3.4", true), ("255.255.255.255", true), ("1.2.3", false), ("1.2.3.256", false), ("01.2.3.4", false),
            ("::1", true), ("::", true), ("fe80::1", true), ("1:2:3:4:5:6:7:8", true), ("::ffff:1.2.3.4", true),
            ("1:2:3", false), ("1::2::3", false), ("12345::", false), ("", false), ("x", false),
            ("1:2:3:4:5:6:7:8:9", false),
        ])
    func addresses(_ text: String, _ expected: Bool) { #expect(IPAddress.isValid(text) == expected) }

    @Test(
        "project names",
        arguments: [
            ("Foo", "foo"), ("foo.bar", "foobar"), ("My Dir.1", "mydir1"), ("-foo", "foo"), ("_x", "x"), ("...", ""),
            ("a_b-c", "a_b-c"), ("Ünï", "n"),
        ])
    func names(_ text: String, _ expected: String) { #expect(ProjectName.normalised(text) == expected) }

    @Test(
        "the nearest name is offered, a far one is not",
        arguments: [
            ("helthcheck", "healthcheck"), ("imgae", "image"), ("port", "ports"), ("volume", "volumes"),
            ("enviroment", "environment"), ("netwroks", "networks"), ("IMAGE", "image"), ("xyz", nil), ("a", nil),
        ] as [(String, String?)])
    func nearestNames(_ word: String, _ expected: String?) {
        #expect(nearest(to: word, among: Format.service.attributes.map(\.name)) == expected)
    }
}
