import Linux

/// A bridge of the host, with a pair of interfaces for each container; the host is its gateway.
struct BridgeNetwork: NetworkRealisation {
    static let driver = "bridge"

    let name: String

    var interface: String { name }
    var ownLinks: [String] { [name] }
    var guardedInterface: String? { name }
    var leadsOut: Bool { true }

    func create(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(NetworkError) {
        try kernel.ensureBridge(BridgeSpec(name: name, addresses: plan.addresses, mtu: plan.mtu))
    }

    func damage(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(SyscallError) -> String? {
        guard let bridge = try kernel.bridge(name) else { return "bridge \(name) is gone" }
        if !bridge.isUp { return "bridge \(name) is down" }
        let lost = plan.addresses.first { !bridge.addresses.map(\.address).contains($0.address) }
        return lost.map { "bridge \(name) lost its address \($0.address)" }
    }

    func attach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError) {
        try kernel.attachPair(endpoint, to: name)
    }

    func detach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError) {
        try kernel.removeLink(endpoint.hostInterface)
    }

    func remove(_ kernel: KernelNetwork) throws(NetworkError) { try kernel.removeLink(name) }
}

extension Realisation {
    package static func bridge(_ name: String) -> Realisation { Realisation(BridgeNetwork(name: name)) }
}
