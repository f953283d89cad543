import Glibc
import Linux

/// The forward chain of the kernel's older packet filter (ip_tables), which `iptables-legacy` writes and nf_tables does not show.
struct LegacyFirewall {
    enum Family: CaseIterable {
        case v4, v6

        /// The matching `iptables-legacy` program.
        var program: String { self == .v4 ? "iptables-legacy" : "ip6tables-legacy" }
        fileprivate var socketFamily: CInt { self == .v4 ? AF_INET : AF_INET6 }
        fileprivate var socketLevel: CInt { self == .v4 ? 0 : 41 }  // SOL_IP, SOL_IPV6
        fileprivate var namesFile: String { self == .v4 ? "ip_tables_names" : "ip6_tables_names" }
    }

    /// Its policy drops packets that no rule decided on.
    let dropsByPolicy: Bool
    let rules: ForwardRules
    /// Docker's chain for other programs' rules exists.
    let hasDockerChain: Bool

    /// Reads the table `filter` of the calling thread's network namespace; nil when nobody has used it there. Checks
    /// that first, because reading the table would create it.
    static func read(_ family: Family) throws(SyscallError) -> LegacyFirewall? {
        guard let names = try? readText("/proc/thread-self/net/\(family.namesFile)"),
            names.split(separator: "\n").contains("filter")
        else { return nil }
        let socket = OwnedFD(
            owning: try syscall("socket", on: "raw IP") {
                Glibc.socket(family.socketFamily, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 255)
            })
        // struct ipt_getinfo: name[32], valid_hooks, hook_entry[5], underflow[5], num_entries, size.
        var information = tableName + [UInt8](repeating: 0, count: 52)
        try ask(64, family, socket.raw, &information)  // IPT_SO_GET_INFO
        let size = Int(information.word(at: 80))
        // struct ipt_get_entries: name[32], size, padding to 8 bytes, entries.
        var entries = tableName + Array(information[80..<84]) + [UInt8](repeating: 0, count: 4 + size)
        try ask(65, family, socket.raw, &entries)  // IPT_SO_GET_ENTRIES
        return LegacyFirewall(
            entries: Array(entries.dropFirst(40)), family: family, forward: Int(information.word(at: 44)),
            policy: Int(information.word(at: 64)))
    }

    private static let tableName = Array("filter".utf8) + [UInt8](repeating: 0, count: 26)

    private static func ask(
        _ option: CInt, _ family: Family, _ socket: CInt, _ buffer: inout [UInt8]
    ) throws(SyscallError) {
        var length = socklen_t(buffer.count)
        try syscall("getsockopt", on: "table filter of \(family.program)") {
            getsockopt(socket, family.socketLevel, option, &buffer, &length)
        }
    }

    /// Parses the bytes of the table from the kernel. The forward chain begins at `forward`, and the rule for its
    /// policy is at `policy`.
    init(entries: [UInt8], family: Family, forward: Int, policy: Int) {
        let table = Table(bytes: entries, addressBytes: family == .v4 ? 4 : 16)
        dropsByPolicy = table.rule(at: policy)?.verdict == .drop
        rules = ForwardRules(table.rules(from: forward, to: policy, depth: 0))
        hasDockerChain = table.hasChain("DOCKER-USER")
    }

    /// The rules of a table, each a `struct ipt_entry` or `ip6t_entry` with matches and a target (linux/netfilter_ipv4/ip_tables.h).
    private struct Table {
        let bytes: [UInt8]
        let addressBytes: Int

        private enum Target: Equatable {
            case verdict(ForwardRules.Verdict)
            case jump(Int)
        }

        func rule(at offset: Int) -> ForwardRules.Rule? {
            guard let entry = entry(at: offset) else { return nil }
            guard case .verdict(let verdict) = entry.target else {
                return ForwardRules.Rule(condition: entry.condition, verdict: .other)
            }
            return ForwardRules.Rule(condition: entry.condition, verdict: verdict)
        }

        /// Includes the rules of chains that every packet passes, in their place.
        func rules(from start: Int, to end: Int, depth: Int) -> [ForwardRules.Rule] {
            var result: [ForwardRules.Rule] = []
            var offset = start
            while offset < end, let entry = entry(at: offset) {
                switch entry.target {
                case .jump(let chain) where entry.condition == .none && depth < 16 && chain != entry.next:
                    result += rules(from: chain, to: self.end(ofChainAt: chain), depth: depth + 1)
                case .jump: result.append(.init(condition: entry.condition, verdict: .other))
                case .verdict(let verdict): result.append(.init(condition: entry.condition, verdict: verdict))
                }
                offset = entry.next
            }
            return result
        }

        /// The start of the next chain, which has a target called ERROR.
        private func end(ofChainAt start: Int) -> Int {
            var offset = start
            while let entry = entry(at: offset), entry.chainName == nil { offset = entry.next }
            return offset
        }

        func hasChain(_ name: String) -> Bool {
            var offset = 0
            while let entry = entry(at: offset) {
                if entry.chainName == name { return true }
                offset = entry.next
            }
            return false
        }

        private struct Entry {
            var condition: ForwardRules.Condition
            var target: Target
            var next: Int
            /// The name, for an entry that only begins a chain.
            var chainName: String?
        }

        private func entry(at offset: Int) -> Entry? {
            // Source and destination with masks, then names of two interfaces with masks, then the protocol and flags.
            let interfaces = offset + 4 * addressBytes
            let isV4 = addressBytes == 4
            let fixed = isV4 ? 112 : 168
            let lengths = offset + (isV4 ? 88 : 140)  // target_offset, next_offset
            guard offset >= 0, offset + fixed + 32 <= bytes.count else { return nil }
            let target = offset + Int(bytes.half(at: lengths))
            let next = offset + Int(bytes.half(at: lengths + 2))
            guard target >= offset + fixed, target + 32 <= bytes.count, next > offset, next <= bytes.count else {
                return nil
            }
            var plain = Array(bytes[offset..<lengths - 4])
            let input = pattern(at: interfaces, maskAt: interfaces + 32)
            let output = pattern(at: interfaces + 16, maskAt: interfaces + 48)
            for index in 4 * addressBytes..<4 * addressBytes + 64 { plain[index] = 0 }
            let isPlain = plain.allSatisfy { $0 == 0 } && target == offset + fixed
            let condition: ForwardRules.Condition =
                switch (input, output) {
                case _ where !isPlain: .other
                case (nil, nil): .none
                case (let input?, nil): .input(input)
                case (nil, let output?): .output(output)
                case (_?, _?): .other
                }
            return Entry(
                condition: condition, target: self.target(at: target), next: next, chainName: chainName(at: target))
        }

        /// `struct xt_entry_target`: size, name[29], revision; then a verdict if the name is empty.
        private func target(at offset: Int) -> Target {
            switch bytes.text(at: offset + 2, limit: 29) {
            case "":
                guard offset + 36 <= bytes.count else { return .verdict(.other) }
                let verdict = Int32(bitPattern: bytes.word(at: offset + 32))
                switch verdict {
                case -1: return .verdict(.drop)  // -NF_DROP - 1
                case -2: return .verdict(.accept)  // -NF_ACCEPT - 1
                case 0...: return .jump(Int(verdict))
                default: return .verdict(.other)
                }
            case "REJECT": return .verdict(.drop)
            // These targets pass the packet on.
            case "LOG", "NFLOG", "TRACE": return .verdict(.none)
            default: return .verdict(.other)
            }
        }

        private func chainName(at target: Int) -> String? {
            bytes.text(at: target + 2, limit: 29) == "ERROR" ? bytes.text(at: target + 32, limit: 30) : nil
        }

        /// `berth-*` for a name prefix: the mask does not cover the end of the name.
        private func pattern(at name: Int, maskAt mask: Int) -> String? {
            let count = bytes[mask..<mask + 16].prefix { $0 == 0xff }.count
            guard count > 0 else { return nil }
            // `iptables -i berth-+` leaves the plus sign in the name.
            let text = bytes.text(at: name, limit: 16)
            return count > text.utf8.count ? text : "\(text.prefix(count))*"
        }
    }
}

extension [UInt8] {
    fileprivate func half(at offset: Int) -> UInt16 {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
    }
    fileprivate func word(at offset: Int) -> UInt32 {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }

    /// The text up to the first NUL.
    fileprivate func text(at offset: Int, limit: Int) -> String {
        guard offset < count else { return "" }
        return String(decoding: self[offset..<Swift.min(count, offset + limit)].prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension KernelNetwork {
    /// Forward chains of the older packet filter that drop packets of the networks.
    func legacyFirewallWarnings() throws(SyscallError) -> [ForeignFirewallReport.Warning] {
        let patterns = bridgePatterns
        guard !patterns.isEmpty else { return [] }
        var warnings: [ForeignFirewallReport.Warning] = []
        for family in LegacyFirewall.Family.allCases {
            guard let firewall = try LegacyFirewall.read(family), firewall.dropsByPolicy || firewall.rules.endsInDrop,
                !firewall.rules.lets(patterns)
            else { continue }
            let chain = firewall.hasDockerChain ? "DOCKER-USER" : "FORWARD"
            let commands = patterns.flatMap { pattern in
                let name = pattern.hasSuffix("*") ? "\(pattern.dropLast())+" : pattern
                return ["-o", "-i"].map { "\(family.program) -I \(chain) \($0) '\(name)' -j ACCEPT" }
            }
            warnings.append(.init(chain: "FORWARD of \(family.program)", commands: commands))
        }
        return warnings
    }
}
