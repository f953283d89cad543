import JSON
import Linux
import NIOHTTP1
import ProjectModel

/// Reads the mounts of a container: `Binds`, `Mounts`, `Tmpfs` and `Volumes`.
struct MountReader {
    private(set) var volumes: [ServiceVolume] = []

    init(config: Body, host: Body) throws(DockerFailure) {
        for text in try host["Binds"].texts() ?? [] { try add(try Self.bind(text)) }
        for item in try host["Mounts"].items() { try add(try Self.mount(item)) }
        for (target, options) in try host["Tmpfs"].textMap().sorted(by: { $0.key < $1.key }) {
            try add(try Self.tmpfs(target, options))
        }
        let taken = Set(volumes.map(\.target))
        for target in try config["Volumes"].keys() where !taken.contains(target) {
            try add(
                ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: try Self.target(target)))
        }
    }

    private mutating func add(_ volume: ServiceVolume) throws(DockerFailure) {
        guard !volumes.contains(where: { $0.target == volume.target }) else {
            throw .invalid("Duplicate mount point: \(volume.target)")
        }
        volumes.append(volume)
    }

    private static func target(_ text: String) throws(DockerFailure) -> String {
        guard text.hasPrefix("/") else {
            throw .invalid(
                "invalid mount config for type \"volume\": invalid mount path: '\(text)' mount path must be absolute")
        }
        // `/data/` and `/data` are the same place.
        var path = text
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard path != "/" else {
            throw .invalid(
                "invalid volume specification: '\(text)': invalid mount config for type \"bind\": invalid specification: destination can't be '/'"
            )
        }
        return path
    }

    /// `[SOURCE:]TARGET[:OPTIONS]`.
    private static func bind(_ text: String) throws(DockerFailure) -> ServiceVolume {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts.contains("") else {
            throw .invalid("invalid volume specification: '\(text)'")
        }
        guard parts.count > 1 else {
            return ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: try target(parts[0]))
        }
        var options = BindOptions()
        for word in parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : [] {
            guard options.take(word) else { throw .invalid("invalid mode: \(parts[2])") }
        }
        let isPath = parts[0].hasPrefix("/")
        if !isPath, !isVolumeName(parts[0]) {
            throw .invalid(
                "create \(parts[0]): \"\(parts[0])\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            )
        }
        let kind: ServiceVolume.Kind =
            isPath
            ? .bind(
                source: parts[0], createHostPath: true, propagation: options.propagation, recursive: nil,
                selinux: options.label)
            : .volume(source: parts[0], noCopy: options.noCopy, subpath: nil)
        return ServiceVolume(kind: kind, target: try target(parts[1]), readOnly: options.isReadOnly)
    }

    private struct BindOptions {
        var isReadOnly = false
        var noCopy = false
        var propagation: String?
        var label: String?

        /// False for an unknown word.
        mutating func take(_ word: String) -> Bool {
            switch word {
            case "ro": isReadOnly = true
            case "rw", "consistent", "cached", "delegated", "": break
            case "nocopy": noCopy = true
            case "z", "Z": label = word
            case "private", "rprivate", "shared", "rshared", "slave", "rslave": propagation = word
            default: return false
            }
            return true
        }
    }

    private static func isVolumeName(_ text: String) -> Bool {
        text.utf8.count > 1
            && text.utf8.enumerated().allSatisfy { index, byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || index > 0 && "_.-".utf8.contains(byte)
            }
    }

    private static func mount(_ item: Body) throws(DockerFailure) -> ServiceVolume {
        let kind = try item["Type"].text() ?? ""
        let source = try item["Source"].text()
        guard let place = try item["Target"].text() else { throw invalid(kind, "field Target must not be empty") }
        guard place.hasPrefix("/") else {
            throw invalid(kind, "invalid mount path: '\(place)' mount path must be absolute")
        }
        let target = try target(place)
        let isReadOnly = try item["ReadOnly"].flag() ?? false
        switch kind {
        case "bind":
            guard let source else { throw invalid(kind, "field Source must not be empty") }
            guard source.hasPrefix("/") else {
                throw invalid(kind, "invalid mount path: '\(source)' mount path must be absolute")
            }
            let options = item["BindOptions"]
            let makesSource = try options["CreateMountpoint"].flag() ?? false
            guard makesSource || fileExists(source) else {
                throw invalid(kind, "bind source path does not exist: \(source)")
            }
            var recursive: String?
            if try options["NonRecursive"].flag() == true { recursive = "disabled" }
            if try options["ReadOnlyNonRecursive"].flag() == true { recursive = "writable" }
            if try options["ReadOnlyForceRecursive"].flag() == true { recursive = "readonly" }
            return ServiceVolume(
                kind: .bind(
                    source: source, createHostPath: makesSource, propagation: try options["Propagation"].text(),
                    recursive: recursive, selinux: nil), target: target, readOnly: isReadOnly)
        case "volume":
            let options = item["VolumeOptions"]
            if let source, !isVolumeName(source) { throw invalid(kind, "invalid volume name: \(source)") }
            let driver = options["DriverConfig"]
            let name = try driver["Name"].text() ?? "local"
            guard name == "local", try driver["Options"].members().isEmpty else {
                throw .unsupported(
                    "VolumeOptions.DriverConfig: a mount does not choose a driver; make the volume first (docker volume create)"
                )
            }
            return ServiceVolume(
                kind: .volume(
                    source: source, noCopy: try options["NoCopy"].flag() ?? false,
                    subpath: try options["Subpath"].text()), target: target, readOnly: isReadOnly)
        case "tmpfs":
            guard source == nil else { throw invalid(kind, "field Source must not be specified") }
            let options = item["TmpfsOptions"]
            // Each option is a name, or a name and a value.
            let words = try options["Options"].items().map { (option) throws(DockerFailure) in
                (try option.texts() ?? []).joined(separator: "=")
            }
            return ServiceVolume(
                kind: .tmpfs(
                    size: try options["SizeBytes"].amount(),
                    mode: try options["Mode"].amount().map { UInt32(clamping: $0) },
                    options: words.isEmpty ? nil : words.joined(separator: ",")), target: target,
                readOnly: isReadOnly)
        case "image":
            guard let source else { throw invalid(kind, "field Source must not be empty") }
            return ServiceVolume(
                kind: .image(source: source, subpath: try item["ImageOptions"]["Subpath"].text()), target: target,
                readOnly: true)
        case "cluster", "npipe": throw .unsupported("mounts of type \"\(kind)\" cannot be had on this machine")
        default: throw .invalid("invalid mount config for type \"\(kind)\": mount type unknown: \"\(kind)\"")
        }
    }

    private static func invalid(_ kind: String, _ reason: String) -> DockerFailure {
        .invalid("invalid mount config for type \"\(kind)\": \(reason)")
    }

    /// Options as mount(8) has them for a tmpfs. They stay as they are: an inspection shows them again.
    private static func tmpfs(_ place: String, _ options: String) throws(DockerFailure) -> ServiceVolume {
        ServiceVolume(
            kind: .tmpfs(size: nil, mode: nil, options: options), target: try target(place),
            readOnly: options.split(separator: ",").last { $0 == "ro" || $0 == "rw" } == "ro")
    }
}
