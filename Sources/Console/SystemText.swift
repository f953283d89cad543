import EngineWire
import JSON

/// The engine and its machine, in the layout of `docker info`.
package enum SystemText {
    /// `info` is the answer of `GET /info`.
    package static func text(_ info: JSONValue, engine: EngineVersion) -> String {
        func word(_ name: String) -> String { info[name]?.string ?? "" }
        func number(_ name: String) -> String { "\(info[name]?.integer ?? 0)" }
        let plugins = info["Plugins"]
        func plugin(_ name: String) -> String {
            (plugins?[name]?.array ?? []).compactMap(\.string).joined(separator: " ")
        }
        var lines = [
            "Server:", " Containers: \(number("Containers"))", "  Running: \(number("ContainersRunning"))",
            "  Paused: \(number("ContainersPaused"))", "  Stopped: \(number("ContainersStopped"))",
            " Images: \(number("Images"))", " Server Version: \(word("ServerVersion"))",
            " Storage Driver: \(word("Driver"))", " Logging Driver: \(word("LoggingDriver"))",
            " Cgroup Driver: \(word("CgroupDriver"))", " Cgroup Version: \(word("CgroupVersion"))", " Plugins:",
            "  Volume: \(plugin("Volume"))", "  Network: \(plugin("Network"))", "  Log: \(plugin("Log"))",
            " Kernel Version: \(word("KernelVersion"))", " Operating System: \(word("OperatingSystem"))",
            " OSType: \(word("OSType"))", " Architecture: \(word("Architecture"))", " CPUs: \(number("NCPU"))",
            " Total Memory: \(HumanUnits.binarySize(Int64(info["MemTotal"]?.integer ?? 0)))", " Name: \(word("Name"))",
            " ID: \(word("ID"))", " Root Dir: \(engine.root)", " Run Dir: \(engine.run)",
            " Process: \(engine.processID)", " Docker Socket: \(engine.dockerSocket ?? "none")",
        ]
        for warning in info["Warnings"]?.array?.compactMap(\.string) ?? [] { lines.append("WARNING: \(warning)") }
        return lines.map { "\($0)\n" }.joined()
    }
}
