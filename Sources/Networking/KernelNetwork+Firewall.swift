import Glibc
import Linux
import Synchronization

extension KernelNetwork {
    /// Changes the table in one transaction. Only then enables the settings that the rules protect.
    func changeRules(_ change: FirewallChange) throws -> RulesOutcome {
        let oldPorts = ports(concerning: change)
        watch.addBridges(change.networks.values.compactMap { $0?.bridge })
        let isSuspect = watch.isTableSuspect.withLock { isSuspect in
            defer { isSuspect = false }
            return isSuspect
        }
        if isSuspect { isWritten = false }
        refused.forget(change)
        // The kernel would refuse the same again, so leave it out until it changes or the whole table is rewritten.
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
            outcome.notes.append("existing UDP flows may still reach the old destination of a port: \(error)")
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

    /// Only after the table protects 127.0.0.0/8 from packets of the bridges. A recreated bridge lacks the setting.
    private func openLocalnet(_ changed: Set<String>, _ isSuspect: Bool, _ outcome: inout RulesOutcome) {
        let own = Set(table.networks.values.map(\.bridge))
        let bridges = isSuspect ? own : own.intersection(changed.union(closedBridges))
        for bridge in bridges {
            let setting = Self.localnetSetting(bridge)
            // If the bridge is missing, the caller's next round handles it.
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
                    // Somebody else changed the table, so rewrite it completely.
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

    /// The kernel accepts a transaction completely or not at all. If it refuses, this tries the parts one by one, so
    /// that one impossible part does not stop the others.
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

    /// Deletes UDP flows to ports whose destination changed, including flows older than the publication.
    private func forgetMovedFlows(from old: Set<PublishedPort>, to new: Set<PublishedPort>) throws(SyscallError) {
        let moved = old.symmetricDifference(new).filter { $0.transport == .udp }
        try ConnectionTracking.forgetDatagrams(
            to: Set(moved.map(\.hostPort)), or: Set(moved.filter(old.contains).map(\.containerAddress)))
    }

    func removeTable() throws {
        if mayHaveOpenedOthers { try closeForeignFirewalls() }
        // The setting is removed with the bridge, but a remaining bridge must not keep it without protection.
        for network in table.networks.values { try? Self.setSysctl(Self.localnetSetting(network.bridge), "0") }
        try firewall.run("add table inet \(instance.table)\ndelete table inet \(instance.table)\n")
        table = FirewallTable()
        isWritten = false
        refused = Refused()
    }

    /// Makes the host forward packets. Never disables it again, because others may rely on it. Returns the settings
    /// that were off.
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

    /// A forwarding host ignores router advertisements if accept_ra is 1, so this keeps the host's own IPv6 working.
    private func keepRouterAdvertisements() {
        for interface in (try? folderEntries("/proc/sys/net/ipv6/conf")) ?? [] where interface != "all" {
            let setting = "net/ipv6/conf/\(interface)/accept_ra"
            if (try? readText("/proc/sys/\(setting)"))?.hasPrefix("1") == true { try? Self.setSysctl(setting, "2") }
        }
    }

    /// Redirects 127.0.0.11:53 of the namespace to the ports where the name service listens there.
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
                // After a deletion, closing the library's socket waits some 10 ms for a grace period of the kernel. A
                // new namespace has nothing to delete, so try without.
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
