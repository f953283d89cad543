import Glibc
import JSON
import Linux

/// Writes errors and warnings to standard error, and to the file that the caller names.
struct Log: Sendable {
    enum Format: String, Sendable {
        case text = "text"
        case json = "json"
    }

    var path: String?
    var format = Format.text

    func error(_ message: String) { write("error", message) }
    func warning(_ message: String) { write("warning", message) }

    private func write(_ level: String, _ message: String) {
        printError("berth-runtime: \(level == "error" ? "" : "warning: ")\(message)")
        guard let path, let file = try? openFile(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644) else { return }
        let time = Self.now()
        let line: String
        switch format {
        case .text: line = "time=\"\(time)\" level=\(level) msg=\(JSONValue.string(message).text())"
        case .json:
            let entry: JSONValue = ["level": .string(level), "msg": .string(message), "time": .string(time)]
            line = entry.text()
        }
        try? file.write((line + "\n").utf8)
    }

    private static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
