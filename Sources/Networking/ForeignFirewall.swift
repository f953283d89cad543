import JSON
import Linux

/// What was done about other programs' firewalls, and what is left for a person to do.
package struct ForeignFirewallReport: Hashable, Sendable {
    /// Somebody's rules that drop what networks send, in a place that is not ours to write in.
    package struct Warning: Hashable, Sendable, CustomStringConvertible {
        /// `ip filter FORWARD`.
        package var chain: String
        /// Commands that would let the networks' packets through, each to be typed as it is.
        package var commands: [String]

        package var message: String { "the firewall chain \(chain) drops packets of container networks" }
        package var advice: String { "to let them through: \(commands.joined(separator: "; "))" }
        package var description: String { "\(message); \(advice)" }
    }

    /// Chains in which this engine's tagged rules stand now.
    package var opened: [String]
    package var warnings: [Warning]

    package init(opened: [String] = [], warnings: [Warning] = []) {
        self.opened = opened
        self.warnings = warnings
    }
}

/// Finds the base chains that drop forwarded packets, and the places their owners offer for others' rules.
struct ForeignFirewall {
    struct Chain: Hashable, Sendable {
        let family: String
        let table: String
        let name: String
        /// It judges forwarded packets.
        let isForward: Bool
        /// By its policy it drops what no rule accepts.
        let dropsByPolicy: Bool
        var place: String { "\(family) \(table) \(name)" }
    }

    /// Where rules go for one dropping chain.
    enum Remedy: Hashable, Sendable {
        /// Into this chain, which Docker or ufw keeps for the rules of others.
        case offered(Chain, keepsDockerIsolation: Bool)
        /// Nowhere: the chain is somebody's own.
        case none(Chain)
    }

    let chains: [Chain]

    /// From what `nft -j list chains` prints; the engines' own tables are left out.
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

    /// What is to be done about a chain that drops.
    func remedy(for base: Chain) -> Remedy {
        func offered(_ name: String) -> Chain? {
            chains.first { $0.name == name && $0.table == base.table && $0.family == base.family }
        }
        if let chain = offered("DOCKER-USER") { return .offered(chain, keepsDockerIsolation: true) }
        let ufw = base.family == "ip6" ? "ufw6-user-forward" : "ufw-user-forward"
        if let chain = offered(ufw) { return .offered(chain, keepsDockerIsolation: false) }
        return .none(base)
    }

    /// The rules, in their order, that let packets of the bridges named by `patterns` pass; our own table has judged them already.
    static func rules(patterns: [String], keepsDockerIsolation: Bool) -> [String] {
        patterns.flatMap { pattern in
            let inner = keepsDockerIsolation ? ["docker0", "br-*"] : []
            return ["oifname \"\(pattern)\" counter accept"]
                // Docker goes on deciding what may enter its networks.
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

    /// Which packets a rule is about. Names of interfaces may end in `*`.
    enum Condition: Hashable, Sendable {
        case none
        case input(String)
        case output(String)
        case other
    }

    /// `none` passes the packet on to the next rule; `other` does what cannot be told.
    enum Verdict: Hashable, Sendable {
        case accept, drop, none, other
    }

    /// A rule without a condition drops or rejects what came so far.
    let endsInDrop: Bool
    /// Patterns of interfaces whose packets a rule accepts by nothing else than the interface; `*` is every one.
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

    /// From what `nft -j list chain` prints.
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

    /// Packets to and from the interfaces of `patterns` pass.
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

    /// The networks' bridges: those that bear a name of their own, and a pattern for all others.
    var bridgePatterns: [String] {
        let bridges = table.networks.values.map(\.bridge)
        let others = bridges.filter { !$0.hasPrefix(instance.bridgePrefix) }.sorted()
        return (others.count < bridges.count ? ["\(instance.bridgePrefix)*"] : []) + others
    }

    /// Puts tagged rules where a foreign policy would drop the networks' packets and its owner offers a place; says what else there is.
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

    /// Takes the tagged rules back, wherever they stand.
    func closeForeignFirewalls() throws {
        let foreign = ForeignFirewall(listing: try listing("list chains"))
        for chain in foreign.chains where ["DOCKER-USER", "ufw-user-forward", "ufw6-user-forward"].contains(chain.name)
        {
            let commands = try handles(in: chain).map { "delete rule \(chain.place) handle \($0)\n" }
            if !commands.isEmpty { try firewall.run(commands.joined()) }
        }
        mayHaveOpenedOthers = false
    }

    /// Nothing is written when as many tagged rules stand there as there should be.
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
