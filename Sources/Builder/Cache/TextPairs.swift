/// Texts by key, coded as one list, because reading an object with many thousand members is slow.
package struct TextPairs: Codable, Hashable, Sendable {
    package var values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values }

    package init(from decoder: any Decoder) throws {
        let list = try [String](from: decoder)
        values = Dictionary(minimumCapacity: list.count / 2)
        for index in stride(from: 0, to: list.count - 1, by: 2) { values[list[index]] = list[index + 1] }
    }

    package func encode(to encoder: any Encoder) throws {
        try values.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }.encode(to: encoder)
    }

    package subscript(key: String) -> String? {
        get { values[key] }
        set { values[key] = newValue }
    }
}
