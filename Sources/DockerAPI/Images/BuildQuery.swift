import Engine
import EngineWire
import Images
import JSON
import ProjectModel

/// Reads a request for the classic builder from its query and headers.
struct BuildQuery {
    /// Without the Dockerfile, which comes from the context later.
    private(set) var request: BuildRequest
    private(set) var dockerfile: String?
    private(set) var remote: String?
    /// The name or id of a network that the build asks for.
    private(set) var network: String?
    private(set) var isQuiet = false
    /// Notes on options that have no effect.
    private(set) var remarks: [String] = []

    init(_ docker: DockerRequest) throws(DockerFailure) {
        let query = docker.query
        guard query.word("version") != "2" else {
            throw .unsupported("there is no BuildKit here: build with the classic builder (DOCKER_BUILDKIT=0)")
        }
        guard !query.flag("squash") else { throw .invalid("squash is only supported with experimental mode") }
        guard query.all("securityopt").allSatisfy({ ["", "[]", "null"].contains($0) }) else {
            throw .invalid("The daemon on this platform does not support setting security options on build")
        }
        let tags = try Self.tags(query.all("t"))
        var request = BuildRequest(title: tags.first ?? "build", dockerfile: "", file: "Dockerfile")
        request.tags = tags
        request.noCache = query.flag("nocache")
        request.pull = query.flag("pull")
        request.target = query.word("target")
        request.platform = query.word("platform")
        request.arguments = try Self.texts(query.word("buildargs"), "buildargs")
        if let text = request.arguments["SOURCE_DATE_EPOCH"], !text.isEmpty {
            guard let seconds = Int64(text), seconds >= 0 else {
                throw .invalid("invalid SOURCE_DATE_EPOCH: \(text): it is a number of seconds since 1970")
            }
            request.epoch = seconds
        }
        request.labels = try Self.texts(query.word("labels"), "labels")
        request.cacheFrom = try Self.images(query.word("cachefrom")).map { .image($0) }
        request.logins = RegistryAuth.logins(ofBuild: docker.header("x-registry-config"))
        if let size = try query.integer("shmsize"), size > 0 { request.shmSize = Int64(size) }
        request.ulimits = try Self.ulimits(query.word("ulimits"))
        for line in query.all("extrahosts") where !line.isEmpty {
            guard let place = line.firstIndex(where: { $0 == ":" || $0 == "=" }), place > line.startIndex else {
                throw .invalid("bad format for add-host: \"\(line)\"")
            }
            request.extraHosts.append(
                ExtraHost(host: String(line[..<place]), addresses: [String(line[line.index(after: place)...])]))
        }
        switch query.word("networkmode") {
        case nil, "default", "bridge": break
        case "none": request.network = "none"
        case "host":
            request.network = "host"
            request.allowsHostNetwork = true
        case let mode? where mode.hasPrefix("container:"):
            throw .unsupported("networkmode \(mode): a build cannot use the network of a container")
        case let name?: network = name
        }
        self.request = request
        dockerfile = query.word("dockerfile")
        remote = query.word("remote")
        isQuiet = query.flag("q")
        remarks = try Self.remarks(query)
    }

    private static func tags(_ names: [String]) throws(DockerFailure) -> [String] {
        var tags: [String] = []
        for name in names where !name.isEmpty {
            let reference: Reference
            do throws(ReferenceError) { reference = try Reference(name) } catch {
                throw .invalid("invalid reference format: \(error)")
            }
            guard reference.digest == nil else {
                throw .invalid("refusing to create a tag with a digest reference")
            }
            if !tags.contains(reference.familiar) { tags.append(reference.familiar) }
        }
        return tags
    }

    private static func remarks(_ query: Query) throws(DockerFailure) -> [String] {
        var remarks: [String] = []
        var limits: [String] = []
        for name in ["memory", "memswap", "cpushares", "cpuperiod", "cpuquota"] {
            if let value = try query.integer(name), value != 0 { limits.append(name) }
        }
        limits += ["cpusetcpus", "cpusetmems", "cgroupparent"].filter { query.word($0) != nil }
        if !limits.isEmpty {
            remarks.append("\(limits.joined(separator: ", ")): the steps of a build have no limits of their own")
        }
        return remarks
    }

    /// A list of images whose steps may be used.
    private static func images(_ text: String?) throws(DockerFailure) -> [String] {
        guard let text else { return [] }
        guard let value = try? JSONValue(parsing: Array(text.utf8)) else {
            throw .invalid("error reading cachefrom: invalid JSON")
        }
        if value == .null { return [] }
        guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
            throw .invalid("error reading cachefrom: it is not a list of image names")
        }
        return items.compactMap(\.string)
    }

    /// A map of strings. A null value counts as not given.
    private static func texts(_ text: String?, _ name: String) throws(DockerFailure) -> [String: String] {
        guard let text else { return [:] }
        guard let value = try? JSONValue(parsing: Array(text.utf8)) else {
            throw .invalid("error reading \(name): invalid JSON")
        }
        if value == .null { return [:] }
        guard let object = value.object else { throw .invalid("error reading \(name): it is no object") }
        var result: [String: String] = [:]
        for member in object.members {
            if member.value == .null { continue }
            guard let text = member.value.string else {
                throw .invalid("error reading \(name): the value of \(member.key) is no text")
            }
            result[member.key] = text
        }
        return result
    }

    private static func ulimits(_ text: String?) throws(DockerFailure) -> [String: Ulimit] {
        guard let text else { return [:] }
        guard let value = try? JSONValue(parsing: Array(text.utf8)) else {
            throw .invalid("error reading ulimit settings: invalid JSON")
        }
        var result: [String: Ulimit] = [:]
        for each in value.array ?? [] {
            guard let name = each["Name"]?.string, let hard = each["Hard"]?.integer, let soft = each["Soft"]?.integer
            else { throw .invalid("error reading ulimit settings: Name, Hard and Soft are needed") }
            result[name] = Ulimit(soft: Int64(soft), hard: Int64(hard))
        }
        return result
    }
}
