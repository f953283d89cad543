import EngineWire

let now = 1_800_000_000.0

/// A container as the engine would report it, one minute and five seconds old.
func row(
    _ name: String, state: ContainerRow.State = .running, health: ContainerRow.Health? = nil, exitCode: Int? = nil,
    finished: Double? = nil, reason: String? = nil, command: [String] = ["sleep", "1d"],
    ports: [ContainerRow.PublishedPort] = [], exposed: [String] = [], labels: [String: String] = [:]
) -> ContainerRow {
    ContainerRow(
        id: String(repeating: "0123456789abcdef", count: 4), name: "demo-\(name)", project: "demo",
        service: String(name.split(separator: "-")[0]), number: 1, isOneOff: false, image: "busybox",
        imageID: "sha256:ab", command: command, labels: labels, state: state, reason: reason, health: health,
        exitCode: exitCode, createdAt: now - 65, startedAt: now - 3, finishedAt: finished.map { now - $0 },
        ports: ports, exposed: exposed)
}

func port(_ host: UInt16, _ target: UInt16, _ address: String = "0.0.0.0", _ transport: String = "tcp")
    -> ContainerRow.PublishedPort
{
    ContainerRow.PublishedPort(hostIP: address, hostPort: host, target: target, transport: transport)
}
