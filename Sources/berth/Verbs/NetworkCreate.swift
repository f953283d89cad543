import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON
import Linux

/// `berth network create`: creates a network of no project, for projects that use it as external.
struct NetworkCreate: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a network that projects can share (`external: true`)")

    @Option(name: .shortAndLong, help: "bridge, macvlan or ipvlan") var driver: String?
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "A driver option: parent=eth0, com.docker.network.driver.mtu=…")
    var opt: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "KEY=VALUE") var label: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "The range of addresses, such as 10.5.0.0/16") var subnet:
        [String] =
            []
    @Option(
        name: .customLong("ip-range"), parsing: .unconditionalSingleValue,
        help: "The part of the subnet from which containers get addresses")
    var ipRange: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "The host's address in the subnet") var gateway: [String] = []
    @Option(
        name: .customLong("aux-address"), parsing: .unconditionalSingleValue,
        help: "NAME=ADDRESS: an address that no container gets")
    var auxAddress: [String] = []
    @Option(name: .customLong("ipam-driver"), help: .hidden) var ipamDriver: String?
    @Flag(name: .customLong("internal"), help: "Allow no traffic to or from outside") var isInternal = false
    @Flag(help: .hidden) var attachable = false
    @Flag(name: .customLong("ipv4"), inversion: .prefixedNo, help: "Give IPv4 addresses") var ipv4 = true
    @Flag(name: .customLong("ipv6"), help: "Also give IPv6 addresses") var ipv6 = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Its name") var name: String

    func run(in session: Session) throws {
        try session.refuseDryRun("network create")
        var request = NetworkRequest(name: name)
        request.driver = driver
        request.options = try KeyedValues("--opt", opt).values
        request.labels = KeyedValues(labels: label).values
        request.subnets = subnet
        request.ranges = ipRange
        request.gateways = gateway
        request.auxiliary = try KeyedValues("--aux-address", auxAddress).values
        request.addressDriver = ipamDriver
        request.isInternal = isInternal
        request.attachable = attachable
        request.enableIPv4 = ipv4
        request.enableIPv6 = ipv6 || subnet.contains { $0.contains(":") }
        let network = try session.engine.create(request)
        session.stdout.line(network.id ?? network.name)
    }
}

/// `berth network prune`.
struct NetworkPrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove networks that no running container uses")

    @Option(parsing: .unconditionalSingleValue, help: "until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]")
    var filter: [String] = []
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("network prune")
        let wanted = try PruneFilter(
            filter, of: .networks, all: false, now: session.now, offset: CallingProcess.localOffset
        ).request
        // {"dangling":["true"]}: what Docker removes as well.
        let dangling = try session.engine.docker(get: "/networks?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D")
        let names = Set((dangling.array ?? []).compactMap { $0["Name"]?.string })
        let unused = try session.engine.networks().filter { network in
            // Docker never removes its own network `bridge`. berth creates it only when a container needs it, so it can go.
            let isFree = names.contains(network.name) || network.name == "bridge" && network.users.isEmpty
            return isFree && wanted.allows(labels: network.labels, created: network.createdAt)
        }
        try session.prune(.networks, unused.map(\.name).sorted(), force: force)
    }
}

extension Session {
    /// Removes what nobody uses, after a confirmation.
    func prune(_ kind: EngineClient.ObjectKind, _ names: [String], force: Bool) throws {
        guard !names.isEmpty else { return stderr.line("No unused \(kind.rawValue)") }
        if !force {
            stderr.line("Going to remove \(names.joined(separator: ", "))")
            guard confirm("Are you sure?") else { return }
        }
        for line in try engine.remove(kind, names, force: true) { stdout.line(line) }
    }
}
