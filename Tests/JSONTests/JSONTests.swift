import JSON
import Testing

private struct Sample: Codable, Hashable {
    var name: String
    var count: Int?
    var big: UInt64
    var tags: [String]
    var labels: [String: String]
    var inner: [Inner]
    struct Inner: Codable, Hashable {
        var ratio: Double
        var on: Bool
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", "[1,-2,3.5]", #"{"a":{"b":["c"]},"d":"e\n\"\\"}"#, "18446744073709551615",
        #"["é","😀"]"#,
    ])
    func aTextReadsBackAsItself(_ text: String) throws {
        #expect(try JSONValue(parsing: text).text() == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "\"\\x\"", "\"\\ud800\"", "nul", "[] []", "{\"a\":1,\"a\":2}",
        "1e999",
        "\"\u{1}\"", "'a'", "-", "\"\\u+123\"",
    ])
    func badTextIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test func escapesAreDecoded() throws {
        #expect(try JSONValue(parsing: #""\u00e9\ud83d\ude00\/\t""#) == .string("é😀/\t"))
    }

    @Test func depthAndLengthAreBounded() {
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,2,3]", limits: JSONLimits(bytes: 3)) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func aTypeSurvivesTheRoundTrip() throws {
        let sample = Sample(
            name: "n", count: nil, big: .max, tags: ["a", "b"], labels: ["z": "1", "a": "2"],
            inner: [.init(ratio: 0.5, on: true), .init(ratio: 2, on: false)])
        let bytes = try encodeJSON(sample)
        #expect(try decodeJSON(Sample.self, from: bytes) == sample)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"name":"n","big":18446744073709551615,"tags":["a","b"],"labels":{"a":"2","z":"1"},"inner":[{"ratio":0.5,"on":true},{"ratio":2,"on":false}]}"#
        )
    }

    @Test func aWideObjectDecodes() throws {
        let map = Dictionary(uniqueKeysWithValues: (0..<500).map { ("key\($0)", $0) })
        #expect(try decodeJSON([String: Int].self, from: encodeJSON(map)) == map)
    }

    @Test func aWrongShapeNamesItsPath() throws {
        let error = #expect(throws: DecodingError.self) {
            try decodeJSON([String: [Int]].self, from: #"{"a":[1,"x"]}"#.utf8)
        }
        #expect("\(error.map { String(describing: $0) } ?? "")".contains("expected a whole number"))
    }
}
