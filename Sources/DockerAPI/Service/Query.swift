import HTTPService
import JSON

/// The query of a request, read as dockerd reads it.
package struct Query: Sendable {
    private let items: [(name: String, value: String)]

    package init(_ request: Request) {
        items = request.queryItems.map {
            (Request.decoded($0.name, asForm: true), Request.decoded($0.value, asForm: true))
        }
    }

    /// The first value; nil if the query does not have the item.
    package func text(_ name: String) -> String? { items.first { $0.name == name }?.value }

    /// The first value; nil if it is empty.
    package func word(_ name: String) -> String? { text(name).flatMap { $0.isEmpty ? nil : $0 } }

    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// dockerd takes every other value as true.
    package func flag(_ name: String) -> Bool {
        guard let text = text(name) else { return false }
        return !["", "0", "no", "false", "none"].contains(text.lowercased().filter { $0 != " " })
    }

    package func flag(_ name: String, default value: Bool) -> Bool { text(name) == nil ? value : flag(name) }

    /// - Throws: dockerd's error for text that is not a number.
    package func integer(_ name: String) throws(DockerFailure) -> Int? {
        guard let text = word(name) else { return nil }
        guard let value = Int(text) else {
            throw .invalid("strconv.Atoi: parsing \"\(text)\": invalid syntax")
        }
        return value
    }

    /// The filters of a list. A filter that is not in `known` is an error.
    package func filters(_ known: Set<String>) throws(DockerFailure) -> Filters {
        let filters = try Filters(text("filters") ?? "")
        if let other = filters.names.first(where: { !known.contains($0) }) {
            throw .invalid("invalid filter '\(other)'")
        }
        return filters
    }
}

/// The `filters` of a list: values by name, in either of the two forms that clients send.
package struct Filters: Sendable {
    private let values: [String: [String]]

    package init(_ text: String) throws(DockerFailure) {
        guard !text.isEmpty else {
            values = [:]
            return
        }
        guard let object = (try? JSONValue(parsing: Array(text.utf8)))?.object else {
            throw .invalid("invalid filter")
        }
        var values: [String: [String]] = [:]
        for member in object.members {
            if let list = member.value.array {
                values[member.key] = list.compactMap(\.string)
            } else if let set = member.value.object {
                // The older form: an object whose keys are the values.
                values[member.key] = set.members.filter { $0.value.bool == true }.map(\.key)
            } else {
                throw .invalid("invalid filter")
            }
        }
        self.values = values
    }

    package var names: [String] { values.keys.sorted() }
    package subscript(_ name: String) -> [String] { values[name] ?? [] }
    package func has(_ name: String) -> Bool { values[name] != nil }

    /// True if there is no such filter, or if one of its values passes.
    package func allows(_ name: String, _ test: (String) -> Bool) -> Bool {
        guard let wanted = values[name], !wanted.isEmpty else { return true }
        return wanted.contains(where: test)
    }

    /// True if all values of `label` (`KEY` or `KEY=VALUE`) match, and none of `label!` does.
    package func allows(labels: [String: String]) -> Bool {
        func fits(_ wanted: String) -> Bool {
            let parts = wanted.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let value = labels[parts.first ?? ""] else { return false }
            return parts.count == 1 || parts[1] == value
        }
        return self["label"].allSatisfy(fits) && !self["label!"].contains(where: fits)
    }

    /// The value of a Boolean filter; nil if it is not given.
    package func flag(_ name: String) throws(DockerFailure) -> Bool? {
        guard let text = self[name].first else { return nil }
        switch text.lowercased() {
        case "1", "t", "true": return true
        case "0", "f", "false": return false
        default: throw .invalid("invalid filter '\(name)=[\(text)]'")
        }
    }
}
