import Glibc
import Linux
import Synchronization

extension KernelNetwork {
    /// Changes the table in one transaction; then, and not before, opens what the rules guard.
    func changeRules(_ change: FirewallChange) throws -> RulesOutcome {
        let oldPorts = ports(concerning: change)
        watch.addBridges(change.networks.values.compactMap { $0?.bridge })
        let isSuspect = watch.isTableSuspect.withLock { isSuspect in
            defer { isSuspect = false }
            return isSuspect
        }
        if isSuspect { isWritten = false }
        refused.forget(change)
        // What the kernel did not take it would not take now: it is left out until it changes, or all is written anew.
        if !isWritten {
            table.apply(FirewallChange(networks: refused.networks.mapValues { $0.rules }))
            for (port, refusal) in refused.ports {
                table.setPorts((table.ports[refusal.owner] ?? []) + [port], of: refusal.owner)
            }
            refused = Refused()
        }
        table.apply(refused.without(change))
        guard !table.networks.isEmpty || !refused.networks.isEmpty else {
            try removeTable()
            return RulesOutcome()
        }
        try write()
        var outcome = RulesOutcome()
        do throws(SyscallError) { try forgetMovedFlows(from: oldPorts, to: ports(concerning: change)) } catch {
            outcome.notes.append("UDP flows under way may keep going to where a port led before: \(error)")
        }
        outcome.enabledSysctls = try enableForwarding(
            v6: table.networks.values.contains { $0.subnets.contains { $0.family == .v6 } })
        outcome.refusedPorts = table.refused.merging(refused.ports.mapValues(\.error)) { _, kernel in kernel }
            .mapValues(\.description)
        for refusal in refused.networks.values { outcome.refusedNetworks[refusal.rules.bridge] = "\(refusal.error)" }
        openLocalnet(Set(change.networks.values.compactMap { $0?.bridge }), isSuspect, &outcome)
        return outcome
    }

    private func ports(concerning change: FirewallChange) -> Set<PublishedPort> {
        if change.isWhole { return Set(table.ports.values.joined()) }
        return Set(change.ports.keys.flatMap { table.ports[$0] ?? [] })
    }

    /// Only after the table guards 127.0.0.0/8 against what comes from the bridges. A bridge that was made anew lacks it.
    private func openLocalnet(_ changed: Set<String>, _ isSuspect: Bool, _ outcome: inout RulesOutcome) {
        let own = Set(table.networks.values.map(\.bridge))
        let bridges = isSuspect ? own : own.intersection(changed.union(closedBridges))
        for bridge in bridges {
            let setting = Self.localnetSetting(bridge)
            // No such bridge now is for the caller's next round.
            guard fileExists("/proc/sys/\(setting)") else { continue }
            do throws(SyscallError) {
                try Self.setSysctl(setting, "1")
                closedBridges.remove(bridge)
            } catch {
                if fileExists("/proc/sys/\(setting)") { outcome.refusedNetworks[bridge] = "\(error)" }
            }
        }
    }

    private static func localnetSetting(_ bridge: String) -> String { "net/ipv4/conf/\(bridge)/route_localnet" }

    private func write() throws(FirewallError) {
        do throws(FirewallError) {
            let commands = isWritten ? table.change(of: instance.table) : table.creation(of: instance.table)
            if !commands.isEmpty {
                do throws(FirewallError) { try firewall.run(commands) } catch {
                    guard isWritten else { throw error }
                    // Someone else's hand was in the table: write it anew as a whole.
                    isWritten = false
                    try firewall.run(table.creation(of: instance.table))
                }
            }
        } catch {
            isWritten = false
            table = try sift(table)
        }
        table.settle()
        isWritten = true
    }

    /// The kernel takes a transaction as a whole or not at all: when it does not, its parts are tried one by one, so that one that cannot
    /// be made keeps no other out.
    private func sift(_ wanted: FirewallTable) throws(FirewallError) -> FirewallTable {
        var standing = FirewallTable()
        try firewall.run(standing.creation(of: instance.table))
        refused = Refused()
        for (name, rules) in wanted.networks.sorted(by: { $0.key < $1.key }) {
            do throws(FirewallError) { try extend(&standing, .init(networks: [name: rules])) } catch {
                refused.networks[name] = .init(rules: rules, error: error)
            }
        }
        for (owner, ports) in wanted.ports.sorted(by: { $0.key < $1.key }) {
            for port in ports {
                let accepted = standing.ports[owner] ?? []
                do throws(FirewallError) { try extend(&standing, .init(ports: [owner: accepted + [port]])) } catch {
                    refused.ports[port] = .init(owner: owner, error: error)
                }
            }
        }
        return standing
    }

    private func extend(_ table: inout FirewallTable, _ change: FirewallChange) throws(FirewallError) {
        var wanted = table
        wanted.apply(change)
        let commands = wanted.change(of: instance.table)
        if !commands.isEmpty { try firewall.run(commands) }
        wanted.settle()
        table = wanted
    }

    /// UDP flows to ports whose destination changed, also those that began before the port was published at all.
    private func forgetMovedFlows(from old: Set<PublishedPort>, to new: Set<PublishedPort>) throws(SyscallError) {
        let moved = old.symmetricDifference(new).filter { $0.transport == .udp }
        try ConnectionTracking.forgetDatagrams(
            to: Set(moved.map(\.hostPort)), or: Set(moved.filter(old.contains).map(\.containerAddress)))
    }

    func removeTable() throws {
        if mayHaveOpenedOthers { try closeForeignFirewalls() }
        // It goes with the bridge; one that is left must not keep it without the guard.
        for network in table.networks.values { try? Self.setSysctl(Self.localnetSetting(network.bridge), "0") }
        try firewall.run("add table inet \(instance.table)\ndelete table inet \(instance.table)\n")
        table = FirewallTable()
        isWritten = false
        refused = Refused()
    }

    /// The host must pass packets on; never switched off again, because others may have come to rely on it. Returns what was off.
    private func enableForwarding(v6: Bool) throws(SyscallError) -> [String] {
        var enabled: [String] = []
        for setting in ["net/ipv4/ip_forward"] + (v6 ? ["net/ipv6/conf/all/forwarding"] : []) {
            if (try? readText("/proc/sys/\(setting)"))?.hasPrefix("1") == true { continue }
            if setting.contains("ipv6") { keepRouterAdvertisements() }
            try Self.setSysctl(setting, "1")
            enabled.append(setting)
        }
        return enabled
    }

    /// A forwarding host stops listening to router advertisements where accept_ra is 1: keep the host's own IPv6 alive.
    private func keepRouterAdvertisements() {
        for interface in (try? folderEntries("/proc/sys/net/ipv6/conf")) ?? [] where interface != "all" {
            let setting = "net/ipv6/conf/\(interface)/accept_ra"
            if (try? readText("/proc/sys/\(setting)"))?.hasPrefix("1") == true { try? Self.setSysctl(setting, "2") }
        }
    }

    /// Leads 127.0.0.11:53 of the namespace to the ports where the name service listens there.
    static func redirectDNS(namespacePath: String, udpPort: UInt16, tcpPort: UInt16) throws {
        let table = """
            table ip berth-dns {
                chain output {
                    type nat hook output priority -100; policy accept;
                    ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:\(udpPort)
                    ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:\(tcpPort)
                }
            }

            """
        let failure = try NetworkNamespace(path: namespacePath).run { () throws(SyscallError) -> FirewallError? in
            do throws(FirewallError) {
                let firewall = try NFTablesContext()
                // Closing the library's socket after a deletion waits for a grace period of the kernel, some 10 ms: in a new namespace
                // there is nothing to delete.
                do throws(FirewallError) {
                    try firewall.run("create table ip berth-dns\n\(table)")
                } catch {
                    try firewall.run("add table ip berth-dns\ndelete table ip berth-dns\n\(table)")
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
