import EngineWire
import Glibc
import Linux
import Networking

/// Facts about the machine and the engine as a whole.
package struct SystemFacts: Sendable {
    package var hostName: String
    package var kernel: String
    package var architecture: String
    /// For example `Debian GNU/Linux 12 (bookworm)`, and `12` (os-release(5)).
    package var system: String
    package var systemVersion: String
    package var processors: Int
    /// In bytes.
    package var memory: Int64
    package var usesUnifiedCgroups: Bool
    package var running: Int
    package var paused: Int
    package var stopped: Int
    package var images: Int
    package var settings: EngineSettings
    /// Identifies this engine; stable for its root folder.
    package var instance: String
    package var now: Int64
    package var warnings: [String]
    package var labels: [String] { settings.labels }
}

extension Engine {
    package func systemFacts() async throws -> SystemFacts {
        await gate.wait(for: .known)
        var name = utsname()
        uname(&name)
        var phases: [ContainerRow.State: Int] = [:]
        for record in await parts.inventory.allContainers() { phases[record.life.phase.shown, default: 0] += 1 }
        let release = Self.osRelease()
        let running = (phases[.running] ?? 0) + (phases[.restarting] ?? 0)
        let paused = phases[.paused] ?? 0
        let images = Set(try await self.images().map(\.id)).count
        return SystemFacts(
            hostName: parts.machine.hostName, kernel: Self.text(of: &name.release),
            architecture: Self.text(of: &name.machine), system: release["PRETTY_NAME"] ?? "Linux",
            systemVersion: release["VERSION_ID"] ?? "", processors: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))),
            memory: Int64(sysconf(CInt(_SC_PHYS_PAGES))) * Int64(sysconf(CInt(_SC_PAGESIZE))),
            usesUnifiedCgroups: fileExists("/sys/fs/cgroup/cgroup.controllers"), running: running, paused: paused,
            stopped: phases.values.reduce(0, +) - running - paused, images: images, settings: settings,
            instance: InstanceName(rootFolder: parts.paths.root).suffix, now: parts.machine.now(),
            warnings: await parts.machine.obstacles().map(\.message) + openHosts())
    }

    /// Addresses that accept clients without authentication.
    private func openHosts() -> [String] {
        guard !settings.hasMutualTLS else { return [] }
        return settings.dockerHosts.filter(\.isTCP).map {
            "WARNING: anybody who can connect to \($0) is root on this machine: it needs no client certificates"
        }
    }

    private static func text<Tuple>(of field: inout Tuple) -> String {
        withUnsafeBytes(of: &field) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func osRelease() -> [String: String] {
        let bytes = (try? readFile("/etc/os-release", limit: 1 << 16)) ?? []
        var values: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let pair = line.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            values[String(pair[0])] = pair[1].filter { $0 != "\"" }
        }
        return values
    }
}
