import Linux
import NameService
import Testing

/// The bytes of a query for `name`.
func query(
    _ name: String, type: UInt16 = DNS.typeA, id: UInt16 = 0x1234, flags: UInt16 = 0x0100, payload: UInt16? = nil
) -> [UInt8] {
    let header: [UInt16] = [id, flags, 1, 0, 0, payload == nil ? 0 : 1]
    var bytes = header.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + label.utf8 }
    bytes += [0, UInt8(type >> 8), UInt8(type & 0xff), 0, 1]
    if let payload { bytes += [0, 0, 41, UInt8(payload >> 8), UInt8(payload & 0xff), 0, 0, 0, 0, 0, 0] }
    return bytes
}

@Suite struct DNSMessageTests {
    @Test func aQuestionIsReadWithItsCaseFolded() throws {
        let parsed = try #require(DNSQuery(parsing: query("WeB.Project", type: DNS.typeAAAA, payload: 1232)))
        #expect(parsed.name == "web.project")
        #expect(parsed.type == DNS.typeAAAA)
        #expect(parsed.id == 0x1234)
        #expect(parsed.recursionDesired)
        #expect(parsed.payloadSize == 1232)
        #expect(parsed.question.contains(UInt8(ascii: "W")), "the answer must repeat the question's own letters")
    }

    @Test(arguments: [
        ("empty", [UInt8]()),
        ("a header alone", [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        ("an answer", query("a", flags: 0x8100)),
        (
            "two questions",
            {
                var bytes = query("a")
                bytes[5] = 2
                return bytes
            }()
        ),
        ("a label beyond the end", [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 97]),
        ("a pointer in the question", [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]),
        ("a name of more than 255 bytes", query((0..<40).map { _ in "abcdefgh" }.joined(separator: "."))),
        (
            "an additional record that is missing",
            {
                var bytes = query("a")
                bytes[11] = 1
                return bytes
            }()
        ),
    ])
    func whatIsNoQueryIsNotRead(_ name: String, _ bytes: [UInt8]) {
        #expect(DNSQuery(parsing: bytes) == nil, "\(name)")
    }

    @Test func labelsCannotPretendToBeDots() throws {
        var bytes = query("axb")
        bytes[14] = UInt8(ascii: ".")
        #expect(DNSQuery(parsing: bytes)?.name == "a\\046b")
    }

    @Test func anAnswerHoldsRecordsAndRepeatsTheQuestion() throws {
        let asked = try #require(DNSQuery(parsing: query("Web")))
        let answer = asked.response(.noError, records: [.address(.v4(0xac11_0002))], isAuthoritative: true, ttl: 5)
        #expect(Array(answer[..<12]) == [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
        #expect(Array(answer[12..<21]) == [3, UInt8(ascii: "W"), UInt8(ascii: "e"), UInt8(ascii: "b"), 0, 0, 1, 0, 1])
        #expect(Array(answer[21...]) == [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 172, 17, 0, 2])
        #expect(DNSResponseHead(parsing: answer)?.answers(asked.question) == true)
    }

    @Test(arguments: [(nil, 512), (1232, 1232), (100, 512), (60000, 4096)] as [(UInt16?, Int)])
    func anAnswerIsCutToWhatTheClientTakes(_ payload: UInt16?, _ limit: Int) throws {
        let asked = try #require(DNSQuery(parsing: query("many", payload: payload)))
        #expect(asked.payloadSize ?? DNS.plainPayload == limit)
        let records = (0..<400).map { DNSRecord.address(.v4(UInt32($0))) }
        let answer = asked.response(.noError, records: records, limit: limit)
        #expect(answer.count <= limit && answer.count > limit - 16)
        #expect(DNSResponseHead(parsing: answer)?.isTruncated == true)
    }

    /// Messages bent at random must neither crash the reader nor be answered with something unreadable; the seed is fixed.
    @Test func bentMessagesDoNoHarm() {
        var random = SeededGenerator(state: 0x5eed)
        let good = [
            query("web"), query("a.b.c.example.com", type: DNS.typePTR, payload: 4096),
            query("2.0.17.172.in-addr.arpa", type: 12),
        ]
        for round in 0..<20_000 {
            var bytes = good[round % good.count]
            for _ in 0...Int.random(in: 0..<6, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[position] = .random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(position...)
                case 2: bytes.insert(.random(in: 0...255, using: &random), at: position)
                default: bytes += bytes[position...]
                }
                if bytes.isEmpty { bytes = [0] }
            }
            _ = DNSResponseHead(parsing: bytes)
            guard let asked = DNSQuery(parsing: bytes) else { continue }
            let answer = asked.response(.noError, records: [.pointer("a.b"), .address(.v6(1))], limit: 512)
            #expect(answer.count <= 512)
            #expect(DNSResponseHead(parsing: answer)?.id == asked.id)
        }
    }
}

/// Numbers that are the same in every run (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
