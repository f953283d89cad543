import Linux

/// A network whose containers have interfaces on one host interface, and which the host itself cannot reach.
protocol ParentNetwork: NetworkRealisation {
    var parent: ParentLink { get }
}

extension ParentNetwork {
    var interface: String { parent.name }
    var ownLinks: [String] { parent.ownLinks }
    var guardedInterface: String? { nil }
    var leadsOut: Bool { parent.leadsOut }

    func create(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(NetworkError) {
        guard kernel.hasLinks(of: Self.driver) else { throw .kindUnknown(Self.driver, Self.driver) }
        try parent.create(kernel)
    }

    func damage(_ plan: NetworkPlan, _ kernel: KernelNetwork) throws(SyscallError) -> String? {
        try parent.damage(kernel)
    }

    func detach(_ endpoint: EndpointSpec, _ kernel: KernelNetwork) throws(NetworkError) {
        try kernel.detachChild(endpoint)
    }

    func remove(_ kernel: KernelNetwork) throws(NetworkError) { try parent.remove(kernel) }
}
