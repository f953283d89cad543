import EngineWire
import ProjectModel

/// The meaning of a service's `logging`: how to keep the log file, and where to send its lines.
///
/// Every driver except `none` keeps the file: `logs` reads it, and forwarding reads it.
package struct LoggingPlan: Hashable, Sendable {
    package enum Destination: Hashable, Sendable {
        case syslog(SyslogTarget)
        case journal
    }

    package private(set) var keepsFile = true
    /// The size limit of one file in bytes; nil means the engine's default.
    package private(set) var maximumSize: Int64?
    package private(set) var maximumFiles: Int?
    /// When the disk is full, the container's writes block and no lines are lost.
    package private(set) var isBlocking = false
    package private(set) var destination: Destination?
    /// A template for the name of the source at the destination.
    package private(set) var tag = "{{.ID}}"
    /// Names of labels and variables to send, if the destination has fields.
    package private(set) var labels: [String] = []
    package private(set) var variables: [String] = []
    /// Requested options without effect, in words for a person.
    package private(set) var warnings: [String] = []

    /// - Throws: `EngineFailure` for an option that the driver does not have, or an invalid value.
    package init(_ logging: Logging?) throws {
        guard let logging else { return }
        var options = logging.options
        switch logging.driver ?? "json-file" {
        case "none": keepsFile = false
        case "json-file", "local": try takeFileOptions(&options)
        case "syslog": destination = try SyslogTarget(taking: &options).map { .syslog($0) }
        case "journald": destination = .journal
        case let driver:
            warnings.append(
                "there is no logging driver \"\(driver)\": berth keeps the log in a file for `berth logs`")
            return
        }
        if case nil = destination, logging.driver == "syslog" {
            warnings.append("syslog over TLS is not supported: berth keeps the log in a file for `berth logs`")
            return
        }
        try takeCommonOptions(&options)
        if let unknown = options.keys.sorted().first {
            throw EngineFailure(
                code: .invalid,
                message: "the logging driver \(logging.driver ?? "json-file") has no option \"\(unknown)\"",
                hint: "remove it from logging.options")
        }
    }

    private mutating func takeFileOptions(_ options: inout [String: String]) throws {
        if let text = options.removeValue(forKey: "max-size") {
            let size = text == "-1" ? .max : ByteCount.parse(text)
            guard let size, size > 0 else { throw Self.invalid("max-size", text, "10m") }
            maximumSize = size
        }
        if let text = options.removeValue(forKey: "max-file") {
            guard let count = Int(text), count > 0 else { throw Self.invalid("max-file", text, "3") }
            maximumFiles = min(count, LogFiles.mostFiles)
        }
        // berth never compresses: the files are small and few, and are read while they are written.
        options["compress"] = nil
    }

    private mutating func takeCommonOptions(_ options: inout [String: String]) throws {
        if let mode = options.removeValue(forKey: "mode") {
            guard mode == "blocking" || mode == "non-blocking" else { throw Self.invalid("mode", mode, "non-blocking") }
            isBlocking = mode == "blocking"
        }
        // berth has no buffer in memory: the file is the buffer.
        options["max-buffer-size"] = nil
        if let text = options.removeValue(forKey: "tag") {
            try LogTag.check(text)
            tag = text
        }
        func names(_ key: String) -> [String] {
            (options.removeValue(forKey: key) ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        labels = names("labels")
        variables = names("env")
        for key in ["labels-regex", "env-regex"] where options.removeValue(forKey: key) != nil {
            warnings.append("the logging option \(key) has no effect")
        }
    }

    static func invalid(_ option: String, _ value: String, _ example: String) -> EngineFailure {
        EngineFailure(
            code: .invalid, message: "the logging option \(option) cannot be \"\(value)\"", hint: "such as \(example)")
    }
}

/// The `tag` option: a text that may contain `{{.Name}}` and similar fields.
package enum LogTag {
    private static let fields: Set<String> = [
        "ID", "FullID", "Name", "ImageID", "ImageFullID", "ImageName", "DaemonName",
    ]

    /// - Throws: `EngineFailure` for a template with any other field.
    package static func check(_ template: String) throws {
        guard pieces(template).allSatisfy({ !$0.isField || fields.contains($0.text) }) else {
            throw LoggingPlan.invalid("tag", template, "\"{{.Name}}/{{.ID}}\"")
        }
    }

    /// The template filled in with the values of one container.
    package static func expand(_ template: String, _ values: [String: String]) -> String {
        pieces(template).map { $0.isField ? values[$0.text] ?? "" : $0.text }.joined()
    }

    private static func pieces(_ template: String) -> [(text: String, isField: Bool)] {
        var result: [(text: String, isField: Bool)] = []
        for (index, part) in split(template[...], at: "{{").enumerated() {
            guard index > 0 else {
                result.append((String(part), false))
                continue
            }
            let halves = split(part, at: "}}")
            let field = halves[0].filter { $0 != " " }
            guard halves.count > 1, field.hasPrefix(".") else {
                result.append(("?", true))  // no field has this name
                continue
            }
            result.append((String(field.dropFirst()), true))
            result.append((halves.dropFirst().joined(separator: "}}"), false))
        }
        return result
    }

    private static func split(_ text: Substring, at separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = text
        while let place = rest.indices.first(where: { rest[$0...].hasPrefix(separator) }) {
            parts.append(rest[..<place])
            rest = rest[place...].dropFirst(separator.count)
        }
        return parts + [rest]
    }
}
