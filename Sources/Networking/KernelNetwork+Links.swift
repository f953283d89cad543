import Linux

extension KernelNetwork {
    /// Creates the bridge, or corrects an existing one.
    func ensureBridge(_ spec: BridgeSpec) throws(NetworkError) {
        watch.addBridges([spec.name])
        watch.stay(spec.name)
        do throws(SyscallError) {
            var bridge = try Self.interface(spec.name, route)
            if bridge == nil {
                try route.perform([RouteMessages.createBridge(spec, macAddress: macAddress(of: spec))])
                closedBridges.insert(spec.name)
                bridge = try Self.interface(spec.name, route)
            }
            guard let bridge else { throw SyscallError(call: "netlink", object: spec.name, code: .noSuchDevice) }
            guard bridge.kind == "bridge" else { throw SyscallError(call: "netlink", object: spec.name, code: .exists) }
            // Disable this before the interface is up; otherwise the kernel gives it a link-local address.
            if spec.addresses.contains(where: { $0.family == .v6 }) {
                try? Self.skipDuplicateDetection(on: spec.name)
            } else {
                try? disableIPv6(of: spec.name)
            }
            try route.perform(addressChanges(on: bridge, to: spec.addresses))
            let mtu = spec.mtu.flatMap { $0 == bridge.mtu ? nil : $0 }
            if !bridge.isUp || mtu != nil { try route.perform([RouteMessages.bringUp(spec.name, mtu: mtu)]) }
        } catch {
            if error.code == .exists && error.object == spec.name { throw .notABridge(spec.name) }
            throw .kernel(error)
        }
    }

    /// Creates the pair, connects it to the bridge, and gives the inner end its addresses and routes.
    func attachPair(_ spec: EndpointSpec, to bridgeName: String) throws(NetworkError) {
        watch.stay(spec.hostInterface)
        do throws(SyscallError) {
            guard let bridge = try Self.interface(bridgeName, route) else {
                throw SyscallError(call: "netlink", object: bridgeName, code: .noSuchDevice)
            }
            let namespace = NetworkNamespace(path: spec.namespacePath)
            let descriptor = try namespace.open()
            let mac = spec.macAddress ?? spec.addresses.first.map { MACAddress(for: $0.address) }
            if try !hasPair(spec, namespace) {
                try route.perform([RouteMessages.createPair(spec, namespace: descriptor.raw, macAddress: mac)])
            }
            // The host's end only carries frames. Otherwise it would have an IPv6 address of its own.
            try? disableIPv6(of: spec.hostInterface)
            try route.perform([
                RouteMessages.enslave(spec.hostInterface, to: bridge.index), RouteMessages.bringUp(spec.hostInterface),
            ])
            try configurePort(spec)
            try namespace.run { () throws(SyscallError) in try Self.configureInside(spec) }
        } catch {
            if error.object == bridgeName { throw .noBridge(bridgeName) }
            throw .kernel(error)
        }
    }

    /// Creates an interface of `kind` that shares `parent`, in the container's namespace, with `data` for its kind, and
    /// gives it addresses and routes.
    func attachChild(
        _ spec: EndpointSpec, of parent: String, kind: String, data: (inout NetlinkMessage) -> Void
    ) throws(NetworkError) {
        do throws(SyscallError) {
            guard let link = try Self.interface(parent, route) else {
                throw SyscallError(call: "netlink", object: parent, code: .noSuchDevice)
            }
            let namespace = NetworkNamespace(path: spec.namespacePath)
            let descriptor = try namespace.open()
            if try !hasChild(spec, of: link.index, kind: kind, namespace) {
                try route.perform([
                    RouteMessages.createChild(spec, of: link.index, kind: kind, namespace: descriptor.raw, data: data)
                ])
            }
            try namespace.run { () throws(SyscallError) in try Self.configureInside(spec) }
        } catch {
            if error.object == parent { throw .noParent(parent) }
            throw .kernel(error)
        }
    }

    /// Whether the interface exists on this parent. Removes one on an earlier parent that was created again since.
    private func hasChild(
        _ spec: EndpointSpec, of parent: UInt32, kind: String, _ namespace: NetworkNamespace
    ) throws(SyscallError) -> Bool {
        try namespace.run { () throws(SyscallError) -> Bool in
            let socket = try NetlinkSocket(.route)
            guard let reply = try socket.get(RouteMessages.getLink(spec.interfaceName)) else { return false }
            let under = reply.attributes(after: 16).number(RouteMessages.LinkAttribute.link, as: UInt32.self)
            if under == parent, Self.parseLink(reply).kind == kind { return true }
            try socket.perform([RouteMessages.deleteLink(spec.interfaceName)])
            return false
        }
    }

    func detachChild(_ spec: EndpointSpec) throws(NetworkError) {
        do throws(SyscallError) {
            let namespace = NetworkNamespace(path: spec.namespacePath)
            guard namespace.exists else { return }
            try namespace.run { () throws(SyscallError) in
                try NetlinkSocket(.route).perform([RouteMessages.deleteLink(spec.interfaceName)])
            }
        } catch { throw .kernel(error) }
    }

    /// Whether both ends exist. A host's end without its other end in the namespace belongs to an old namespace that
    /// the kernel is still removing; this removes it at once, because the name is needed.
    private func hasPair(_ spec: EndpointSpec, _ namespace: NetworkNamespace) throws(SyscallError) -> Bool {
        guard try Self.interface(spec.hostInterface, route) != nil else { return false }
        let isInside = try namespace.run { () throws(SyscallError) in
            try Self.interface(spec.interfaceName, NetlinkSocket(.route)) != nil
        }
        if !isInside { try route.perform([RouteMessages.deleteLink(spec.hostInterface)]) }
        return isInside
    }

    /// Whether the kernel supports interfaces of `kind`, such as `bridge`. A refusal for another reason does not count.
    func hasLinks(of kind: String) -> Bool {
        do throws(SyscallError) { try route.perform([RouteMessages.pretendToCreate(kind)]) } catch {
            return error.code != .notSupported
        }
        return true
    }

    /// Blocks the link until it is attached again.
    func silenceLink(_ name: String) throws(NetworkError) {
        watch.leave([name])
        do throws(SyscallError) { try route.perform([RouteMessages.bringDown(name)]) } catch { throw .kernel(error) }
    }

    func removeLink(_ name: String) throws(NetworkError) {
        watch.leave([name])
        do throws(SyscallError) { try route.perform([RouteMessages.deleteLink(name)]) } catch {
            watch.stay(name)
            throw .kernel(error)
        }
    }

    /// Works inside the container's namespace, on a thread of its own.
    private static func configureInside(_ spec: EndpointSpec) throws(SyscallError) {
        let socket = try NetlinkSocket(.route)
        guard let link = try interface(spec.interfaceName, socket) else {
            throw SyscallError(call: "netlink", object: "interface \(spec.interfaceName)", code: .noSuchDevice)
        }
        let hasV6 = spec.addresses.contains { $0.family == .v6 }
        let settings = "net/ipv6/conf/\(spec.interfaceName)"
        try? setSysctl("\(settings)/disable_ipv6", hasV6 ? "0" : "1")
        if hasV6 {
            try? setSysctl("\(settings)/accept_ra", "0")
            try? skipDuplicateDetection(on: spec.interfaceName)
        }
        for setting in spec.settings { try setSysctl(setting.path(of: spec.interfaceName), setting.value) }
        try socket.perform(
            spec.addresses.map { RouteMessages.addAddress($0, to: link.index, name: spec.interfaceName) }
                + [RouteMessages.bringUp(spec.interfaceName)]
                + spec.defaultGateways.map {
                    RouteMessages.setDefaultRoute(
                        $0.family, via: spec.routesByInterface ? nil : $0, interface: link.index,
                        name: spec.interfaceName)
                })
    }

    private func configurePort(_ spec: EndpointSpec) throws(SyscallError) {
        // Only with br_netfilter can a packet be rewritten inside the bridge so that it must leave through the port it
        // came from.
        let isHairpin = (try? readText("/proc/sys/net/bridge/bridge-nf-call-iptables"))?.hasPrefix("1") ?? false
        guard isHairpin || !spec.allowsPeers, let port = try Self.interface(spec.hostInterface, route) else { return }
        try route.perform([
            RouteMessages.configurePort(
                port.index, name: spec.hostInterface, isIsolated: !spec.allowsPeers, isHairpin: isHairpin)
        ])
    }

    private func addressChanges(
        on bridge: NetworkObservation.Interface, to wanted: [CIDR]
    ) throws(SyscallError) -> [NetlinkMessage] {
        let present = try Self.addresses(route, of: bridge.index).filter { !$0.isLinkLocal }.map(\.address)
        let gone = present.filter { !wanted.contains($0) }
        return gone.map { RouteMessages.deleteAddress($0, from: bridge.index, name: bridge.name) }
            + wanted.filter { !present.contains($0) }.map {
                RouteMessages.addAddress($0, to: bridge.index, name: bridge.name)
            }
    }

    /// berth assigns the addresses itself, so it need not wait a second or two for objections.
    private static func skipDuplicateDetection(on interface: String) throws(SyscallError) {
        try setSysctl("net/ipv6/conf/\(interface)/accept_dad", "0")
    }

    private func disableIPv6(of interface: String) throws(SyscallError) {
        try Self.setSysctl("net/ipv6/conf/\(interface)/disable_ipv6", "1")
    }

    private func macAddress(of spec: BridgeSpec) -> MACAddress {
        MACAddress(for: spec.addresses.first?.address ?? .v6(UInt128(stableHash(spec.name))))
    }
}
