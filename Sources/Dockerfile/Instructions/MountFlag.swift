import YAML

/// `RUN --mount=type=…`: its fields as written; their values may have variables.
package struct MountFlag: Sendable {
    package struct Field: Sendable {
        /// In lower case, long form: `source` for `src`.
        package var name: Name
        /// nil for a field without `=`.
        package var value: PlacedText?
    }

    package enum Name: String, CaseIterable, Sendable {
        case type, from, source, target, readonly, readwrite, id, sharing, required, size, mode, uid, gid, env

        init?(word: String) {
            switch word {
            case "src": self = .source
            case "dst", "destination": self = .target
            case "ro": self = .readonly
            case "rw": self = .readwrite
            default: self.init(rawValue: word)
            }
        }
    }

    package var place: PlacedText
    package var fields: [Field]

    /// The stage or image from which its files come.
    package var from: PlacedText? { fields.last { $0.name == .from }?.value }

    init(_ text: PlacedText, _ findings: inout Findings) {
        place = text
        fields = []
        let before = findings.diagnostics.count
        for part in Self.split(text) where !part.isEmpty {
            let equals = part.firstIndex(of: "=")
            let word = part[0..<(equals ?? part.count)]
            guard let name = Name(word: word.text.lowercased()) else {
                let near = nearest(to: word.text, among: Name.allCases.map(\.rawValue) + ["src", "dst", "ro", "rw"])
                findings.error(
                    word, "unknown mount option '\(word)'",
                    hint: near.map { "did you mean '\($0)'?" }
                        ?? "use " + Name.allCases.map(\.rawValue).joined(separator: ", "))
                continue
            }
            let value = equals.map { part[$0 + 1..<part.count] }
            let mayStandAlone = name == .readonly || name == .readwrite || name == .required
            if value == nil, !mayStandAlone {
                findings.error(word, "'\(word)' needs a value", hint: "write \(word)=…")
                continue
            }
            if name == .from, let value, let dollar = value.firstIndex(of: "$"), dollar < value.count - 1 {
                findings.error(
                    value, "'from' of a mount takes no variables",
                    hint: "give the image a stage of its own, `FROM \(value) AS name`, and write from=name")
            }
            fields.append(Field(name: name, value: value))
        }
        // Fields without variables can be checked now. If a field is invalid, do not report missing ones.
        guard findings.diagnostics.count == before else { return }
        if fields.allSatisfy({ !($0.value?.scalars.contains("$") ?? false) }) {
            _ = resolved(in: &findings) { $0.text }
        }
    }

    /// Splits at commas, except between double quotes, as in CSV.
    private static func split(_ text: PlacedText) -> [PlacedText] {
        var parts: [PlacedText] = []
        var part = PlacedText(at: text.place(at: 0))
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" {
                isQuoted.toggle()
            } else if text[index] == ",", !isQuoted {
                parts.append(part)
                part = PlacedText(at: text.place(at: index + 1))
            } else {
                part.append(index, of: text)
            }
        }
        return parts + [part]
    }
}

/// A mount of a RUN, with all its values known.
package struct Mount: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable { case bind, cache, tmpfs, secret, ssh }
    package enum Sharing: String, CaseIterable, Sendable { case shared, `private`, locked }

    package var kind = Kind.bind
    package var from: String?
    package var source = ""
    package var target = ""
    package var isReadOnly = false
    package var id = ""
    package var sharing = Sharing.shared
    package var isRequired = false
    /// Bytes, of a tmpfs; nil for no limit.
    package var size: Int64?
    package var mode: UInt32?
    package var uid: UInt32?
    package var gid: UInt32?
    /// The variable that holds a secret.
    package var variable: String?
}

extension MountFlag {
    /// The mount with its values expanded; nil if it is invalid, with the reasons in `findings`.
    package func resolved(
        in findings: inout Findings, expanding expand: (PlacedText) -> String?
    ) -> Mount? {
        var mount = Mount()
        var readOnly: Bool?
        var seen: [Name: PlacedText] = [:]
        let before = findings.diagnostics.count
        // The type first, wherever it stands: it decides which other fields are allowed.
        for field in fields.filter({ $0.name == .type }) + fields.filter({ $0.name != .type }) {
            let place = field.value ?? place
            seen[field.name] = place
            guard let value = field.value.map(expand) ?? "true" else { return nil }
            switch field.name {
            case .type: mount.kind = choice(value, place, "mount type", Mount.Kind.self, &findings) ?? .bind
            case .from: mount.from = value
            case .source: mount.source = value
            case .target: mount.target = value
            case .readonly: readOnly = boolean(value, field.name, place, &findings)
            case .readwrite: readOnly = boolean(value, field.name, place, &findings).map { !$0 }
            case .required: mount.isRequired = boolean(value, field.name, place, &findings) ?? false
            case .id: mount.id = value
            case .sharing:
                mount.sharing = choice(value, place, "sharing mode", Mount.Sharing.self, &findings) ?? .shared
            case .size:
                mount.size = ByteSize.bytes(value)
                if mount.size == nil {
                    findings.error(place, "invalid size '\(value)'", hint: "write a number with k, m or g: size=64m")
                }
            case .mode:
                mount.mode = UInt32(value, radix: 8)
                if mount.mode == nil {
                    findings.error(place, "invalid file mode '\(value)'", hint: "write it in octal: mode=0755")
                }
            case .uid: mount.uid = number(value, field.name, place, &findings)
            case .gid: mount.gid = number(value, field.name, place, &findings)
            case .env: mount.variable = value
            }
        }
        mount.isReadOnly = readOnly ?? (mount.kind != .cache && mount.kind != .tmpfs)
        checkFields(of: mount, seen, &findings)
        if findings.diagnostics.count == before, [.bind, .cache, .tmpfs].contains(mount.kind), mount.target.isEmpty {
            findings.error(
                place, "the mount has no target", hint: "write --mount=type=\(mount.kind.rawValue),target=/path")
        }
        return findings.diagnostics.count == before ? mount : nil
    }

    private func checkFields(of mount: Mount, _ seen: [Name: PlacedText], _ findings: inout Findings) {
        let allowed: [Name: Set<Mount.Kind>] = [
            .size: [.tmpfs], .required: [.secret, .ssh], .sharing: [.cache], .mode: [.secret, .ssh, .cache],
            .uid: [.secret, .ssh, .cache], .gid: [.secret, .ssh, .cache], .from: [.bind, .cache, .tmpfs, .ssh],
        ]
        for name in Name.allCases {
            guard let place = seen[name], let kinds = allowed[name], !kinds.contains(mount.kind) else { continue }
            let names = Mount.Kind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: ", ")
            findings.error(
                place, "a mount of type \(mount.kind.rawValue) has no '\(name.rawValue)'",
                hint: "it belongs to mounts of type \(names)")
        }
        if mount.kind == .cache, mount.from == nil, let source = seen[.source], !["", ".", "/"].contains(mount.source) {
            findings.error(
                source, "'source' of a cache needs 'from'", hint: "leave it out, or name the stage that fills the cache"
            )
        }
        if mount.kind == .secret, mount.source.isEmpty, mount.target.isEmpty, mount.id.isEmpty {
            findings.error(place, "the secret has no name", hint: "write --mount=type=secret,id=NAME")
        }
        if mount.kind == .secret, !mount.source.isEmpty, let id = seen[.id] {
            findings.error(id, "a secret takes 'id' or 'source', not both", hint: "leave 'source' out")
        }
    }

    private func boolean(_ text: String, _ name: Name, _ place: PlacedText, _ findings: inout Findings) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        default:
            findings.error(
                place, "'\(name.rawValue)' is true or false, not '\(text)'", hint: "write \(name.rawValue)=true")
            return nil
        }
    }

    private func number(_ text: String, _ name: Name, _ place: PlacedText, _ findings: inout Findings) -> UInt32? {
        guard let number = UInt32(text) else {
            findings.error(
                place, "'\(name.rawValue)' needs a number, not '\(text)'", hint: "write a number: \(name.rawValue)=1000"
            )
            return nil
        }
        return number
    }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ place: PlacedText, _ what: String, _ type: Choice.Type, _ findings: inout Findings
    ) -> Choice? {
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        findings.error(
            place, "unknown \(what) '\(text)'",
            hint: nearest(to: text, among: names).map { "did you mean '\($0)'?" } ?? "use "
                + names.joined(separator: ", "))
        return nil
    }
}
