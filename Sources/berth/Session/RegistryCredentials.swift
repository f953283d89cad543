import JSON
import Linux

/// Log-ins that `docker login` stored in the caller's configuration: host to `user:password` in base64.
enum RegistryCredentials {
    /// Empty when there are none; a broken file counts as none, since pulling without them may work.
    static func read(_ environment: [String: String]) -> [String: String] {
        let folder = environment["DOCKER_CONFIG"] ?? environment["HOME"].map { "\($0)/.docker" }
        guard let folder, let bytes = try? readFile("\(folder)/config.json"), let file = try? JSONValue(parsing: bytes),
            let hosts = file["auths"]?.object
        else { return [:] }
        var result: [String: String] = [:]
        for host in hosts.members {
            if let secret = host.value["auth"]?.string, !secret.isEmpty { result[host.key] = secret }
        }
        return result
    }
}
