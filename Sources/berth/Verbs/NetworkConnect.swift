import ArgumentParser
import Console
import EngineClient
import EngineWire
import ProjectModel

/// `berth network connect`: connects an existing container to another network.
struct NetworkConnect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Connect a container without a project to a network")

    @Option(parsing: .unconditionalSingleValue, help: "Another name for it on the network")
    var alias: [String] = []
    @Option(help: "Its IPv4 address, such as 10.5.0.20") var ip: String?
    @Option(name: .customLong("ip6"), help: "Its IPv6 address, such as fd00:5::20") var ip6: String?
    @Option(
        name: .customLong("link-local-ip"), parsing: .unconditionalSingleValue, help: "An additional link-local address"
    )
    var linkLocalIP: [String] = []
    @Option(
        name: .customLong("driver-opt"), parsing: .unconditionalSingleValue,
        help: "KEY=VALUE: a driver option for this container")
    var driverOpt: [String] = []
    @Option(name: .customLong("gw-priority"), help: "The default route uses the network with the highest priority")
    var gatewayPriority = 0
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The network's name", completion: .networks) var network: String
    @Argument(help: "The container's name or id", completion: .containers) var container: String

    func run(in session: Session) throws {
        try session.refuseDryRun("network connect")
        var attachment = NetworkAttachment(network: network)
        attachment.aliases = alias
        attachment.ipv4Address = ip
        attachment.ipv6Address = ip6
        attachment.linkLocalIPs = linkLocalIP
        attachment.driverOptions = try KeyedValues("--driver-opt", driverOpt).values
        attachment.gatewayPriority = gatewayPriority
        try session.engine.connect(container, attachment)
    }
}

/// `berth network disconnect`.
struct NetworkDisconnect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "disconnect", abstract: "Disconnect a container without a project from a network")

    @Flag(name: .shortAndLong, help: "Do not fail if the container does not exist or is not on the network") var force =
        false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The network's name", completion: .networks) var network: String
    @Argument(help: "The container's name or id", completion: .containers) var container: String

    func run(in session: Session) throws {
        try session.refuseDryRun("network disconnect")
        try session.engine.disconnect(container, from: network, force: force)
    }
}
