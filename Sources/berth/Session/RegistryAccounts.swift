import EngineClient
import EngineWire
import JSON
import Linux
import ProjectModel

/// Logins for registries, as `docker login` stores them in the caller's configuration: in the file itself, or with a
/// helper.
struct RegistryAccounts {
    private let environment: [String: String]
    private let file: JSONValue?

    /// A broken file counts as empty: a pull may work without a login.
    init(environment: [String: String]) {
        self.environment = environment
        let folder = environment["DOCKER_CONFIG"] ?? environment["HOME"].map { "\($0)/.docker" }
        file = folder.flatMap { try? readFile("\($0)/config.json") }.flatMap { try? JSONValue(parsing: $0) }
    }

    /// A helper may ask a person or a key ring, so it is called only for images that will be pulled.
    var asksHelpers: Bool { file?["credsStore"]?.string != nil || file?["credHelpers"]?.object?.isEmpty == false }

    /// The detach keys in the file.
    var detachKeys: String? { file?["detachKeys"]?.string }

    /// The logins for `hosts`.
    func logins(at hosts: Set<String>) -> RegistryLogins {
        var result: [String: String] = [:]
        for host in hosts { result[host] = helped(host) ?? stored(host) }
        return RegistryLogins(result)
    }

    /// The registry in an image's name.
    static func host(of image: String) -> String {
        let first = image.prefix { $0 != "/" }
        let isHost = first.count < image.count && (first.contains { $0 == "." || $0 == ":" } || first == "localhost")
        let host = isHost ? String(first) : "docker.io"
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
    }

    // MARK: In the file

    private func stored(_ host: String) -> String? {
        for entry in file?["auths"]?.object?.members ?? [] where Self.isKey(entry.key, of: host) {
            if let token = entry.value["identitytoken"]?.string, !token.isEmpty {
                return Self.encoded("<token>", token)
            }
            if let login = entry.value["auth"]?.string, !login.isEmpty { return login }
            if let user = entry.value["username"]?.string, let password = entry.value["password"]?.string {
                return Self.encoded(user, password)
            }
        }
        return nil
    }

    /// A key may have a scheme and a path.
    private static func isKey(_ key: String, of host: String) -> Bool {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        return self.host(of: "\(text.prefix { $0 != "/" })/x") == host
    }

    private static func encoded(_ user: String, _ password: String) -> String {
        encodeBase64(Array("\(user):\(password)".utf8))
    }

    // MARK: Helpers

    private func helped(_ host: String) -> String? {
        let helpers = file?["credHelpers"]?.object?.members ?? []
        let own = helpers.first { Self.isKey($0.key, of: host) }?.value.string
        guard let name = own ?? file?["credsStore"]?.string, !name.isEmpty else { return nil }
        // docker login stores Docker Hub under this name.
        let server = host == "docker.io" ? "https://index.docker.io/v1/" : host
        guard let answer = try? CredentialHelper(name: name, environment: environment).get(server),
            let user = answer["Username"]?.string, let secret = answer["Secret"]?.string
        else { return nil }
        return Self.encoded(user, secret)
    }
}

extension Session {
    /// Adds the caller's logins for the registries of images that may be pulled.
    func signed(_ request: OperationRequest) -> OperationRequest {
        var request = request
        switch request.verb {
        case .up(let options), .create(let options):
            request.logins = logins(request.project, always: options.pull == .always)
        case .pull: request.logins = logins(request.project, always: true)
        case .scale, .start: request.logins = logins(request.project, always: false)
        case .down, .stop, .restart, .kill, .pause, .unpause, .remove, .rollback: break
        }
        return request
    }

    func logins(_ project: Project?, always: Bool) -> RegistryLogins {
        let services = project?.services ?? []
        let named = services.filter { $0.hasNamedImage(in: project?.name ?? "") }
        var images = Set(named.compactMap(\.image))
        for case .image(let reference, _) in services.flatMap(\.volumes).map(\.kind) { images.insert(reference) }
        let accounts = RegistryAccounts(environment: environment)
        let refetched = services.contains { $0.pullPolicy.map { $0 != .missing && $0 != .never } ?? false }
        if accounts.asksHelpers, !always, !refetched, let there = try? engine.images() {
            let names = Set(there.compactMap(\.reference).map(Self.wholeName))
            images = images.filter { !names.contains(Self.wholeName($0)) }
        }
        return accounts.logins(at: Set(images.map(RegistryAccounts.host)))
    }

    /// `busybox` and `docker.io/library/busybox:latest` are the same.
    private static func wholeName(_ image: String) -> String {
        var name = image[...]
        for prefix in ["docker.io/", "library/"] where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
        let last = name.split(separator: "/").last ?? ""
        return last.contains { $0 == ":" || $0 == "@" } ? String(name) : "\(name):latest"
    }
}
