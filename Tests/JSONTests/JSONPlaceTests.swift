import JSON
import Testing

@Suite("Places in a JSON text") struct JSONPlaceTests {
    private static let text = """
        {"a": 1,
         "b": [true, {"c\\u0064": "}]\\"", "é": null}, [[2], 3]],
         "z": {}}
        """

    @Test(
        "of a value",
        arguments: [
            ([], "1:1"), ([.key("a")], "1:7"), ([.key("b"), .index(0)], "2:8"), ([.key("b"), .index(1)], "2:14"),
            ([.key("b"), .index(1), .key("cd")], "2:26"), ([.key("b"), .index(1), .key("é")], "2:39"),
            ([.key("b"), .index(2), .index(1)], "2:52"), ([.key("z")], "3:7"),
            // Further than the value goes: the last one on the way.
            ([.key("a"), .key("x")], "1:7"), ([.key("b"), .index(9)], "2:7"),
        ] as [([JSONStep], String)])
    func values(_ steps: [JSONStep], _ place: String) {
        #expect(JSONPlace(ofValueAt: steps, in: Array(Self.text.utf8)).description == place)
    }

    @Test("of a key, and as text")
    func keys() {
        let bytes = Array(Self.text.utf8)
        #expect(JSONPlace(ofKeyAt: [.key("z")], in: bytes).description == "3:2")
        #expect(JSONPlace(ofKeyAt: [.key("b"), .index(1), .key("é")], in: bytes).description == "2:34")
        #expect(JSONStep.text([.key("b"), .index(1), .key("c")]) == "b[1].c")
    }
}
