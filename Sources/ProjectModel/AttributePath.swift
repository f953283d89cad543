/// The path of an attribute in a Compose file, from the file's root: `services.web.ports[1]`.
package struct AttributePath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case key(String)
        /// From 0.
        case index(Int)
    }

    package var steps: [Step]

    package init(_ steps: [Step] = []) { self.steps = steps }

    /// A path of keys only.
    package init(_ keys: String...) { steps = keys.map { .key($0) } }

    /// The attribute `name` of a service.
    package static func service(_ service: String, _ names: String...) -> AttributePath {
        AttributePath([.key("services"), .key(service)] + names.map { .key($0) })
    }

    package var isEmpty: Bool { steps.isEmpty }

    /// The member `key` of this attribute.
    package func appending(_ key: String) -> AttributePath { AttributePath(steps + [.key(key)]) }

    /// The item `index` of this attribute, a list.
    package func appending(_ index: Int) -> AttributePath { AttributePath(steps + [.index(index)]) }
}

extension AttributePath: CustomStringConvertible {
    /// A key that is not a plain name is written in brackets and quotes: `services.web.sysctls["net.core.somaxconn"]`.
    package var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .index(let index): text += "[\(index)]"
            case .key(let key) where Self.needsQuotes(key): text += "[\"\(Self.escaped(key))\"]"
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            }
        }
        return text
    }

    private static func needsQuotes(_ key: String) -> Bool { key.isEmpty || key.contains { ". []\"".contains($0) } }

    private static func escaped(_ key: String) -> String {
        var text = ""
        for character in key {
            if character == "\"" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text
    }
}

extension AttributePath {
    /// Parses the form of `description`; nil for anything else.
    package init?(parsing text: String) {
        var steps: [Step] = []
        var rest = text[...]
        while let first = rest.first {
            if first == "[" {
                guard let step = Self.bracketed(&rest) else { return nil }
                steps.append(step)
                continue
            }
            if !steps.isEmpty {
                guard first == "." else { return nil }
                rest.removeFirst()
            }
            let key = rest.prefix { $0 != "." && $0 != "[" }
            guard !Self.needsQuotes(String(key)) else { return nil }
            steps.append(.key(String(key)))
            rest = rest[key.endIndex...]
        }
        self.steps = steps
    }

    /// Removes `[1]` or `["a key"]` from the start of `rest`.
    private static func bracketed(_ rest: inout Substring) -> Step? {
        rest.removeFirst()
        guard rest.first == "\"" else {
            guard let end = rest.firstIndex(of: "]"), let index = Int(rest[..<end]), index >= 0 else { return nil }
            rest = rest[rest.index(after: end)...]
            return .index(index)
        }
        rest.removeFirst()
        var key = ""
        while let character = rest.popFirst() {
            if character == "\"" { return rest.popFirst() == "]" ? .key(key) : nil }
            guard character == "\\" else {
                key.append(character)
                continue
            }
            guard let escaped = rest.popFirst() else { return nil }
            key.append(escaped)
        }
        return nil
    }
}

extension AttributePath: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let path = AttributePath(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the path of an attribute")
        }
        self = path
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
