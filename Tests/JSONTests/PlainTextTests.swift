import JSON
import Testing

private struct Sample: Decodable {
    struct Part: Decodable { var count: Int }
    var name: String
    var parts: [Part]
}

@Test(
    "what cannot be decoded is told by its place, without the names of types",
    arguments: [
        (#"{"parts": []}"#, "name is missing"),
        (#"{"name": "a", "parts": [{"count": 1}, {}]}"#, "parts[1].count is missing"),
        (#"{"name": "a", "parts": [{"count": "x"}]}"#, "parts[0].count: expected"),
        (#"{"name": 5, "parts": []}"#, "name: expected a string"), ("[]", "expected an object"),
    ])
func plainDecodingErrors(_ json: String, _ text: String) {
    do {
        _ = try decodeJSON(Sample.self, from: json.utf8)
        Issue.record("it was taken")
    } catch { #expect(plainText(of: error).hasPrefix(text), "\(plainText(of: error))") }
}
