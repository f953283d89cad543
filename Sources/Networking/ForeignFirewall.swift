import JSON
import Linux

/// What was changed in other programs' firewalls, and what a person must still do.
package struct ForeignFirewallReport: Hashable, Sendable {
    /// Another program's rules drop packets of networks, in a chain that berth must not change.
    package struct Warning: Hashable, Sendable, CustomStringConvertible {
        /// `ip filter FORWARD`.
        package var chain: String
        /// Commands that let the networks' packets pass, each ready to be typed.
        package var commands: [String]

        package var message: String { "the firewall chain \(chain) drops packets of container networks" }
        package var advice: String { "to let them through: \(commands.joined(separator: "; "))" }
        package var description: String { "\(message); \(advice)" }
    }

    /// Chains that contain this engine's tagged rules now.
    package var opened: [String]
    package var warnings: [Warning]

    package init(opened: [String] = [], warnings: [Warning] = []) {
        self.opened = opened
        self.warnings = warnings
    }
}

/// Finds base chains that drop forwarded packets, and the chains that their owners provide for other programs' rules.
struct ForeignFirewall {
    struct Chain: Hashable, Sendable {
        let family: String
        let table: String
        let name: String
        /// It filters forwarded packets.
        let isForward: Bool
        /// Its policy drops packets that no rule accepts.
        let dropsByPolicy: Bool
        var place: String { "\(family) \(table) \(name)" }
    }

    /// Where to add rules for one dropping chain.
    enum Remedy: Hashable, Sendable {
        /// To this chain, which Docker or ufw reserves for other programs' rules.
        case offered(Chain, keepsDockerIsolation: Bool)
        /// Nowhere: the chain belongs to somebody.
        case none(Chain)
    }

    let chains: [Chain]

    /// Parses the output of `nft -j list chains`, without the engines' own tables.
    init(listing: JSONValue) {
        chains = (listing["nftables"]?.array ?? []).compactMap { item in
            guard let chain = item["chain"], let family = chain["family"]?.string, let name = chain["name"]?.string,
                let own = chain["table"]?.string, !(own.hasPrefix("berth-") || own == "berth")
            else { return nil }
            let isForward = chain["hook"]?.string == "forward"
            return Chain(
                family: family, table: own, name: name, isForward: isForward,
                dropsByPolicy: isForward && chain["policy"]?.string == "drop")
        }
    }

    /// What to do about a chain that drops packets.
    func remedy(for base: Chain) -> Remedy {
        func offered(_ name: String) -> Chain? {
            chains.first { $0.name == name && $0.table == base.table && $0.family == base.family }
        }
        if let chain = offered("DOCKER-USER") { return .offered(chain, keepsDockerIsolation: true) }
        let ufw = base.family == "ip6" ? "ufw6-user-forward" : "ufw-user-forward"
        if let chain = offered(ufw) { return .offered(chain, keepsDockerIsolation: false) }
        return .none(base)
    }

    /// The rules, in order, that accept packets of the bridges in `patterns`; berth's own table has already checked
    /// them.
    static func rules(patterns: [String], keepsDockerIsolation: Bool) -> [String] {
        patterns.flatMap { pattern in
            let inner = keepsDockerIsolation ? ["docker0", "br-*"] : []
            return ["oifname \"\(pattern)\" counter accept"]
                // Docker still decides what may enter its networks.
                + inner.map { "iifname \"\(pattern)\" oifname \"\($0)\" counter return" }
                + ["iifname \"\(pattern)\" counter accept"]
        }
    }
}

/// The rules of a forward chain, as far as they concern packets of networks.
struct ForwardRules {
    struct Rule: Hashable, Sendable {
        var condition: Condition
        var verdict: Verdict
    }

    /// The packets that a rule applies to. Interface names may end in `*`.
    enum Condition: Hashable, Sendable {
        case none
        case input(String)
        case output(String)
        case other
    }

    /// `none` passes the packet on to the next rule; `other` does something that berth cannot interpret.
    enum Verdict: Hashable, Sendable {
        case accept, drop, none, other
    }

    /// A rule without a condition drops or rejects all remaining packets.
    let endsInDrop: Bool
    /// Patterns of interfaces whose packets a rule accepts only because of the interface; `*` means every interface.
    private var accepted: (input: Set<String>, output: Set<String>) = ([], [])

    init(_ rules: some Sequence<Rule>) {
        var endsInDrop = false
        for rule in rules where !endsInDrop {
            switch (rule.verdict, rule.condition) {
            case (.drop, .none): endsInDrop = true
            case (.accept, .none):
                accepted.input.insert("*")
                accepted.output.insert("*")
            case (.accept, .input(let pattern)): accepted.input.insert(pattern)
            case (.accept, .output(let pattern)): accepted.output.insert(pattern)
            default: break
            }
        }
        self.endsInDrop = endsInDrop
    }

    /// Parses the output of `nft -j list chain`.
    init(listing: JSONValue) {
        self.init((listing["nftables"]?.array ?? []).compactMap { $0["rule"]?["expr"]?.array }.compactMap(Self.rule))
    }

    private static func rule(_ expression: [JSONValue]) -> Rule? {
        let statements = expression.filter { $0["counter"] == nil && $0["log"] == nil && $0["comment"] == nil }
        guard let last = statements.last else { return nil }
        let verdict: Verdict =
            last["accept"] != nil ? .accept : last["drop"] != nil || last["reject"] != nil ? .drop : .other
        let conditions = statements.dropLast()
        guard let first = conditions.first else { return Rule(condition: .none, verdict: verdict) }
        guard conditions.count == 1, let match = first["match"], match["op"]?.string == "==",
            let key = match["left"]?["meta"]?["key"]?.string, let pattern = match["right"]?.string
        else { return Rule(condition: .other, verdict: verdict) }
        switch key {
        case "iifname": return Rule(condition: .input(pattern), verdict: verdict)
        case "oifname": return Rule(condition: .output(pattern), verdict: verdict)
        default: return Rule(condition: .other, verdict: verdict)
        }
    }

    /// Packets to and from the interfaces in `patterns` pass.
    func lets(_ patterns: [String]) -> Bool {
        [accepted.input, accepted.output].allSatisfy { accepted in
            patterns.allSatisfy { pattern in
                accepted.contains { other in
                    other == pattern || other.hasSuffix("*") && pattern.hasPrefix(other.dropLast())
                }
            }
        }
    }
}

extension KernelNetwork {
    private var tag: String { instance.table }

    /// The networks' bridges: those with a name of their own, and a pattern for all others.
    var bridgePatterns: [String] {
        let bridges = table.networks.values.map(\.bridge)
        let others = bridges.filter { !$0.hasPrefix(instance.bridgePrefix) }.sorted()
        return (others.count < bridges.count ? ["\(instance.bridgePrefix)*"] : []) + others
    }

    /// Adds tagged rules where another program's policy would drop the networks' packets and provides a chain for this.
    /// Reports the other cases.
    func openForeignFirewalls() throws -> ForeignFirewallReport {
        let patterns = bridgePatterns
        guard !patterns.isEmpty else { return ForeignFirewallReport() }
        let foreign = ForeignFirewall(listing: try listing("list chains"))
        var report = ForeignFirewallReport()
        for base in foreign.chains where base.isForward {
            let standing = ForwardRules(listing: try listing("list chain \(base.place)"))
            guard base.dropsByPolicy || standing.endsInDrop else { continue }
            switch foreign.remedy(for: base) {
            case .offered(let chain, let keepsDockerIsolation):
                try write(
                    ForeignFirewall.rules(patterns: patterns, keepsDockerIsolation: keepsDockerIsolation), into: chain)
                mayHaveOpenedOthers = true
                report.opened.append(chain.place)
            case .none(let chain):
                guard !standing.lets(patterns) else { continue }
                let rules = ForeignFirewall.rules(patterns: patterns, keepsDockerIsolation: false)
                let verb = standing.endsInDrop ? "insert" : "add"
                report.warnings.append(
                    .init(chain: chain.place, commands: rules.map { "nft '\(verb) rule \(chain.place) \($0)'" }))
            }
        }
        return report
    }

    /// Removes the tagged rules, wherever they are.
    func closeForeignFirewalls() throws {
        let foreign = ForeignFirewall(listing: try listing("list chains"))
        for chain in foreign.chains where ["DOCKER-USER", "ufw-user-forward", "ufw6-user-forward"].contains(chain.name)
        {
            let commands = try handles(in: chain).map { "delete rule \(chain.place) handle \($0)\n" }
            if !commands.isEmpty { try firewall.run(commands.joined()) }
        }
        mayHaveOpenedOthers = false
    }

    /// Writes nothing when the chain already has the right number of tagged rules.
    private func write(_ rules: [String], into chain: ForeignFirewall.Chain) throws {
        let present = try handles(in: chain)
        guard present.count != rules.count else { return }
        let commands =
            present.map { "delete rule \(chain.place) handle \($0)\n" }
            + rules.reversed().map { "insert rule \(chain.place) \($0) comment \"\(tag)\"\n" }
        try firewall.run(commands.joined())
    }

    private func handles(in chain: ForeignFirewall.Chain) throws -> [Int] {
        (try listing("list chain \(chain.place)")["nftables"]?.array ?? []).compactMap { item in
            guard let rule = item["rule"], rule["comment"]?.string == tag else { return nil }
            return rule["handle"]?.integer
        }
    }

    private func listing(_ command: String) throws -> JSONValue {
        try JSONValue(parsing: firewall.run("\(command)\n", asJSON: true).utf8)
    }
}
