import EngineWire
import Linux
import ProjectModel

/// Networks and volumes that a person creates: they belong to no project, but projects may use them as external ones.
extension Engine {
    package func createNetwork(_ request: NetworkRequest) async throws -> NetworkRow {
        await gate.wait(for: .ready)
        try Self.check(networkName: request.name)
        guard !["bridge", "host", "none", "default"].contains(request.name) else {
            throw EngineFailure(
                code: .invalid,
                message: "a network cannot be named \"\(request.name)\": this name is reserved",
                hint: "choose another name")
        }
        var definition = NetworkDefinition(name: request.name)
        definition.driver = request.driver
        definition.driverOptions = request.options
        definition.attachable = request.attachable
        definition.isInternal = request.isInternal
        definition.enableIPv4 = request.enableIPv4
        definition.enableIPv6 = request.enableIPv6
        definition.labels = request.labels
        definition.ipam = try Self.addresses(of: request)
        do {
            try await parts.objects.createNetwork(definition, project: nil, key: nil)
        } catch {
            throw Self.withoutFile(error)
        }
        return try await network(request.name)
    }

    package func createVolume(_ request: VolumeRequest) async throws -> VolumeRow {
        await gate.wait(for: .ready)
        let name = request.name ?? parts.machine.newID()
        try Self.check(name: name, of: "volume")
        var definition = VolumeDefinition(name: name)
        definition.driver = request.driver
        definition.driverOptions = request.options
        definition.labels = request.labels
        if let there = await parts.inventory.volume(name) {
            guard (request.driver ?? "local") == (there.definition.driver ?? "local"),
                request.options.isEmpty || request.options == there.definition.driverOptions
            else {
                throw EngineFailure(
                    code: .conflict,
                    message: "a volume named \(name) already exists with another driver or other options",
                    hint: "`berth volume inspect \(name)` shows them")
            }
        }
        do {
            try await parts.objects.createVolume(
                definition, project: nil, key: nil, isAnonymous: request.name == nil)
        } catch {
            throw Self.withoutFile(error)
        }
        guard let row = await volumes(of: nil).first(where: { $0.name == name }) else {
            throw EngineFailure(code: .notFound, message: "volume \(name) has just been removed")
        }
        return row
    }

    /// Unlike other names, those of networks become no parts of paths, and Docker takes them with spaces.
    private static func check(networkName name: String) throws(EngineFailure) {
        guard !name.allSatisfy(\.isWhitespace), name.utf8.count <= 255,
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && $0 != "/" })
        else {
            throw EngineFailure(
                code: .invalid, message: "\"\(name)\" cannot be a network's name",
                hint: "a name has at least one character that is no space, and no \"/\"")
        }
    }

    /// Names become parts of paths.
    static func check(name: String, of kind: String) throws(EngineFailure) {
        func isPlain(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        let others = [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")]
        guard let first = name.utf8.first, isPlain(first), name.utf8.count <= 255,
            name.utf8.allSatisfy({ isPlain($0) || others.contains($0) })
        else {
            throw EngineFailure(
                code: .invalid, message: "\"\(name)\" cannot be a \(kind)'s name",
                hint: "use letters, digits, \"_\", \".\" and \"-\", a letter or digit first")
        }
    }

    /// Assigns each range, gateway and auxiliary address to the subnet that contains it.
    private static func addresses(of request: NetworkRequest) throws(EngineFailure) -> IPAMDefinition? {
        var pools: [(subnet: CIDR, pool: IPAMDefinition.Pool)] = []
        for text in request.subnets {
            guard let subnet = CIDR(text) else { throw invalid("\"\(text)\" is not a subnet", "such as 10.5.0.0/16") }
            var pool = IPAMDefinition.Pool()
            pool.subnet = "\(subnet.network)"
            pools.append((subnet, pool))
        }
        func index(_ text: String, _ kind: String, _ isInside: (CIDR) -> Bool?) throws(EngineFailure) -> Int {
            let answers = pools.map { isInside($0.subnet) }
            if answers.contains(nil) { throw invalid("\"\(text)\" is not a valid \(kind)", nil) }
            guard let index = answers.firstIndex(of: true) else {
                throw invalid("the \(kind) \(text) is in no subnet of the network", "give its subnet: --subnet …")
            }
            return index
        }
        for text in request.ranges {
            let place = try index(text, "range of addresses") { subnet in CIDR(text).map { subnet.contains($0) } }
            pools[place].pool.ipRange = text
        }
        for text in request.gateways {
            let place = try index(text, "gateway") { subnet in IPAddress(text).map { subnet.contains($0) } }
            pools[place].pool.gateway = text
        }
        for (name, text) in request.auxiliary {
            let place = try index(text, "address") { subnet in IPAddress(text).map { subnet.contains($0) } }
            pools[place].pool.auxAddresses[name] = text
        }
        guard !pools.isEmpty || request.addressDriver != nil else { return nil }
        var result = IPAMDefinition()
        result.driver = request.addressDriver
        result.config = pools.map(\.pool)
        return result
    }

    private static func invalid(_ message: String, _ hint: String?) -> EngineFailure {
        EngineFailure(code: .invalid, message: message, hint: hint)
    }

    /// The client has no file, so drop the attribute from the error.
    private static func withoutFile(_ error: any Error) -> EngineFailure {
        var failure = EngineFailure(describing: error)
        failure.path = nil
        return failure
    }
}
