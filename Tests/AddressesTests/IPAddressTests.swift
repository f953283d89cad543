import Addresses
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("192.168.1.255", "192.168.1.255"), ("::", "::"), ("::1", "::1"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("fe80::1:2", "fe80::1:2"),
        ("::ffff:192.0.2.1", "::ffff:c000:201"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("1::", "1::"),
    ])
    func addressesAreReadAndPrinted(_ text: String, _ printed: String) {
        #expect(IPAddress(text)?.description == printed)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", ":", ":::", "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "fe80::1%eth0", "[::1]", "::1.2.3", "g::",
    ])
    func whatIsNoAddressIsRefused(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test func rangesKnowWhatTheyHold() throws {
        let range = try #require(CIDR("172.17.5.1/16"))
        #expect("\(range.network) \(range.first) \(range.last)" == "172.17.0.0/16 172.17.0.0 172.17.255.255")
        #expect(range.contains(IPAddress.v4(0xac11_ffff)))
        #expect(!range.contains(IPAddress.v4(0xac12_0000)))
        #expect(try range.overlaps(#require(CIDR("172.0.0.0/8"))))
        #expect(try !range.overlaps(#require(CIDR("::/0"))))
        #expect(range.subnet(length: 24, index: 255)?.description == "172.17.255.0/24")
        #expect(range.subnet(length: 24, index: 256) == nil)
        #expect(CIDR("fd00::/64")?.last.description == "fd00::ffff:ffff:ffff:ffff")
        #expect(CIDR("0.0.0.0/0")?.last == .v4(.max))
        #expect(["1.2.3.4/33", "1.2.3.4", "1.2.3.4/", "1.2.3.4/+8", "::/129"].allSatisfy { CIDR($0) == nil })
    }

    @Test func hardwareAddressesFollowFromAddresses() {
        #expect(MACAddress(for: .v4(0xac11_0002)).description == "02:42:ac:11:00:02")
        #expect(MACAddress("02-42-AC-11-00-02") == MACAddress(for: .v4(0xac11_0002)))
        #expect(MACAddress("02:42:ac:11:00") == nil)
        #expect(MACAddress("02:42:ac:11:00:+2") == nil)
    }
}
