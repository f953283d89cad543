import EngineWire

/// A container's columns in docker's words.
package enum ContainerText {
    /// `Up 3 seconds (healthy)`, `Exited (137) 2 minutes ago`, `Created` …
    package static func status(_ row: ContainerRow, now: Double) -> String {
        switch row.state {
        case .created: return "Created"
        case .removing: return "Removal In Progress"
        case .dead: return "Dead"
        case .running: return "Up \(up(row, now))\(health(row))"
        case .paused: return "Up \(up(row, now)) (Paused)"
        case .restarting: return "Restarting (\(row.exitCode ?? 0)) \(HumanUnits.ago(row.finishedAt ?? now, now: now))"
        case .exited: return "Exited (\(row.exitCode ?? 0)) \(HumanUnits.ago(row.finishedAt ?? now, now: now))"
        }
    }

    /// The same with the reason, if the container is not in the desired state.
    package static func explainedStatus(_ row: ContainerRow, now: Double) -> String {
        let status = status(row, now: now)
        return row.reason.map { "\(status) (\($0))" } ?? status
    }

    /// The command in double quotes, cut to 20 characters unless `whole`.
    package static func command(_ row: ContainerRow, whole: Bool) -> String {
        let line = row.command.joined(separator: " ")
        return "\"\(whole ? line : truncated(line, to: 20))\""
    }

    /// Every port in docker's form, one entry for each address family: `0.0.0.0:80->80/tcp, [::]:80->80/tcp, 77/tcp`.
    package static func allPorts(_ row: ContainerRow) -> String {
        guard isUp(row) else { return "" }
        let published = sorted(row.ports).map { "\(address($0.hostIP)):\($0.hostPort)->\($0.target)/\($0.transport)" }
        return (published + exposedOnly(row)).joined(separator: ", ")
    }

    /// Ports as text, with both families of "any address" combined and ranges joined:
    /// `0.0.0.0:3000-3002->3000-3002/tcp, 77/tcp`. Without `withAnyAddress` leaves out the address 0.0.0.0:
    /// `8080->80/tcp`.
    package static func ports(_ row: ContainerRow, withAnyAddress: Bool = true) -> String {
        guard isUp(row) else { return "" }
        var runs: [(first: ContainerRow.PublishedPort, count: UInt16)] = []
        let twins = Set(row.ports.filter { $0.hostIP == "0.0.0.0" }.map(Twin.init))
        for port in sorted(row.ports) where !(port.hostIP == "::" && twins.contains(Twin(port))) {
            let next = runs.lastIndex {
                $0.first.hostIP == port.hostIP && $0.first.transport == port.transport
                    && Int($0.first.target) + Int($0.count) == Int(port.target)
                    && Int($0.first.hostPort) + Int($0.count) == Int(port.hostPort)
            }
            if let next { runs[next].count += 1 } else { runs.append((port, 1)) }
        }
        let published = runs.map { run in
            let (host, target) = (range(run.first.hostPort, run.count), range(run.first.target, run.count))
            let isAny = run.first.hostIP == "0.0.0.0" && !withAnyAddress
            return "\(isAny ? "" : "\(address(run.first.hostIP)):")\(host)->\(target)/\(run.first.transport)"
        }
        return (published + exposedOnly(row)).joined(separator: ", ")
    }

    private struct Twin: Hashable {
        let hostPort: UInt16
        let target: UInt16
        let transport: String
        init(_ port: ContainerRow.PublishedPort) {
            hostPort = port.hostPort
            target = port.target
            transport = port.transport
        }
    }

    private static func range(_ first: UInt16, _ count: UInt16) -> String {
        count == 1 ? "\(first)" : "\(first)-\(Int(first) + Int(count) - 1)"
    }

    private static func isUp(_ row: ContainerRow) -> Bool { row.state == .running || row.state == .paused }

    private static func sorted(_ ports: [ContainerRow.PublishedPort]) -> [ContainerRow.PublishedPort] {
        ports.sorted {
            ($0.target, $0.transport, $0.hostIP, $0.hostPort) < ($1.target, $1.transport, $1.hostIP, $1.hostPort)
        }
    }

    private static func exposedOnly(_ row: ContainerRow) -> [String] {
        let published = Set(row.ports.map { "\($0.target)/\($0.transport)" })
        return row.exposed.filter { !published.contains($0) }
    }

    /// IPv6 in brackets, to separate it from the port.
    private static func address(_ text: String) -> String { text.contains(":") ? "[\(text)]" : text }

    private static func up(_ row: ContainerRow, _ now: Double) -> String {
        HumanUnits.duration(seconds: now - (row.startedAt ?? now))
    }

    private static func health(_ row: ContainerRow) -> String {
        switch row.health {
        case nil: ""
        case .starting: " (health: starting)"
        case .healthy: " (healthy)"
        case .unhealthy: " (unhealthy)"
        }
    }
}
