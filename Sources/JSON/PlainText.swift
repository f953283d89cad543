/// An error as a text for a person. For a decoding error: the place and the problem there, without the names of Swift's
/// types.
package func plainText(of error: any Error) -> String {
    switch error {
    case let error as DecodingError: text(of: error)
    case EncodingError.invalidValue(_, let context): "\(place(context.codingPath))\(context.debugDescription)"
    default: "\(error)"
    }
}

private func text(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "\(joined(context.codingPath + [key])) is missing"
    case .valueNotFound(_, let context): "\(place(context.codingPath))a value is missing"
    case .typeMismatch(_, let context), .dataCorrupted(let context):
        "\(place(context.codingPath))\(context.debugDescription)"
    @unknown default: "it has another form than expected"
    }
}

private func place(_ path: [any CodingKey]) -> String { path.isEmpty ? "" : "\(joined(path)): " }

/// `config.Env[2]`.
private func joined(_ keys: [any CodingKey]) -> String {
    keys.reduce("") { text, key in
        if let index = key.intValue { return "\(text)[\(index)]" }
        return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
    }
}
