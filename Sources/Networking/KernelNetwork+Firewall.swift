import Glibc
import Linux
import Synchronization

extension KernelNetwork {
    /// Brings the table to `rules` in one transaction; then, and not before, opens what the rules guard.
    func setRules(_ rules: FirewallRules) throws -> RulesOutcome {
        guard !rules.networks.isEmpty else {
            try removeTable()
            return RulesOutcome()
        }
        watch.addBridges(rules.networks.map(\.bridge))
        let isSuspect = watch.isTableSuspect.withLock { isSuspect in
            defer { isSuspect = false }
            return isSuspect
        }
        if isSuspect { written = nil }
        let old = writtenRules
        if written == nil || rules != old { try write(rules) }
        var outcome = RulesOutcome()
        do throws(SyscallError) { try forgetMovedFlows(from: Set(old.ports), to: Set(rules.ports)) } catch {
            outcome.notes.append("UDP flows under way may keep going to where a port led before: \(error)")
        }
        outcome.enabledSysctls = try enableForwarding(
            v6: rules.networks.contains { $0.subnets.contains { $0.family == .v6 } })
        outcome.refusedPorts = refused.ports.mapValues(\.description)
        outcome.refusedNetworks = refused.networks.mapValues(\.description)
        // Only after the table guards 127.0.0.0/8 against what comes from the bridges. Looked at each time: a bridge that was made anew
        // lacks it.
        for bridge in rules.networks.map(\.bridge) where refused.networks[bridge] == nil {
            let setting = Self.localnetSetting(bridge)
            do throws(SyscallError) {
                // No such bridge now is for the caller's next round.
                if fileExists("/proc/sys/\(setting)") { try Self.setSysctl(setting, "1") }
            } catch {
                if fileExists("/proc/sys/\(setting)") { outcome.refusedNetworks[bridge] = "\(error)" }
            }
        }
        return outcome
    }

    private static func localnetSetting(_ bridge: String) -> String { "net/ipv4/conf/\(bridge)/route_localnet" }

    private func write(_ rules: FirewallRules) throws(FirewallError) {
        let table = FirewallTable(rules)
        refused = Refused(ports: table.refused)
        do throws(FirewallError) {
            if let written {
                try change(written, to: table)
            } else {
                try firewall.run(table.creation(of: instance.table))
            }
            written = table
        } catch {
            written = try sift(rules)
        }
        writtenRules = rules
    }

    /// The kernel takes a transaction as a whole or not at all: when it does not, its parts are tried one by one, so that one that cannot
    /// be made keeps no other out.
    private func sift(_ rules: FirewallRules) throws(FirewallError) -> FirewallTable {
        var standing = FirewallTable(FirewallRules())
        try firewall.run(standing.creation(of: instance.table))
        var accepted = FirewallRules()
        for network in rules.networks {
            accepted.networks.append(network)
            do throws(FirewallError) { standing = try extend(standing, to: accepted) } catch {
                accepted.networks.removeLast()
                refused.networks[network.bridge] = error
            }
        }
        for port in rules.ports where refused.ports[port] == nil {
            accepted.ports.append(port)
            do throws(FirewallError) { standing = try extend(standing, to: accepted) } catch {
                accepted.ports.removeLast()
                refused.ports[port] = error
            }
        }
        return standing
    }

    private func extend(_ table: FirewallTable, to rules: FirewallRules) throws(FirewallError) -> FirewallTable {
        let wanted = FirewallTable(rules)
        let commands = wanted.change(of: instance.table, from: table)
        if !commands.isEmpty { try firewall.run(commands) }
        return wanted
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
        for network in writtenRules.networks { try? Self.setSysctl(Self.localnetSetting(network.bridge), "0") }
        try firewall.run("add table inet \(instance.table)\ndelete table inet \(instance.table)\n")
        written = nil
        writtenRules = FirewallRules()
        refused = Refused()
    }

    private func change(_ old: FirewallTable, to new: FirewallTable) throws(FirewallError) {
        let commands = new.change(of: instance.table, from: old)
        guard !commands.isEmpty else { return }
        do throws(FirewallError) {
            try firewall.run(commands)
        } catch {
            // Someone else's hand was in the table: write it anew as a whole.
            written = nil
            try firewall.run(new.creation(of: instance.table))
        }
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
                let firewall = try NFTables()
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
