import EngineWire
import Linux

/// The parsed `security_opt` of a service.
package struct SecurityOptions: Hashable, Sendable {
    /// Which system calls are allowed.
    package enum Filter: Hashable, Sendable {
        case standard, unconfined
        /// The text of a profile in Docker's JSON form.
        case profile(String)
    }

    package private(set) var filter: Filter = .standard
    /// nil means unconfined.
    package private(set) var apparmorProfile: String?
    package private(set) var noNewPrivileges = false
    /// Do not mask any part of /proc and /sys.
    package private(set) var showsSystemPaths = false

    /// - Throws: `EngineFailure` for an option that is unknown, or that this machine cannot apply.
    package init(_ options: [String]) throws {
        for option in options {
            guard option != "no-new-privileges" else {
                noNewPrivileges = true
                continue
            }
            guard let separator = option.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
                throw Self.unknown(option)
            }
            try add(String(option[..<separator]), String(option[option.index(after: separator)...]), option)
        }
    }

    private mutating func add(_ kind: String, _ value: String, _ option: String) throws {
        switch kind {
        case "no-new-privileges":
            guard value == "true" || value == "false" else { throw Self.unknown(option) }
            noNewPrivileges = value == "true"
        case "seccomp":
            switch value {
            case "unconfined": filter = .unconfined
            case "builtin": filter = .standard
            default: filter = .profile(value)
            }
        case "apparmor": apparmorProfile = value == "unconfined" ? nil : value
        case "label": try Self.checkLabel(value)
        case "systempaths":
            guard value == "unconfined" else { throw Self.unknown(option) }
            showsSystemPaths = true
        default: throw Self.unknown(option)
        }
    }

    /// Only SELinux uses labels, and berth sets none. So accept only the value that disables them.
    private static func checkLabel(_ value: String) throws {
        guard value != "disable", fileExists("/sys/fs/selinux/enforce") else { return }
        throw EngineFailure(
            code: .unsupported, message: "security_opt label=\(value): berth gives containers no SELinux labels",
            hint: "remove it, or use label=disable")
    }

    private static func unknown(_ option: String) -> EngineFailure {
        EngineFailure(
            code: .invalid, message: "security_opt \"\(option)\" is unknown",
            hint: "known are no-new-privileges, seccomp=, apparmor=, label= and systempaths=unconfined")
    }
}
