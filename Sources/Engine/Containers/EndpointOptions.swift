import EngineWire
import Networking
import ProjectModel

/// The `driver_opts` of a service's network, in Docker's terms.
struct EndpointOptions {
    static let settings = "com.docker.network.endpoint.sysctls"
    static let interfaceName = "com.docker.network.endpoint.ifname"

    var settings: [InterfaceSetting] = []
    var interfaceName: String?

    /// - Throws: `EngineFailure` for an unknown option or an invalid value.
    init(_ options: [String: String]) throws(EngineFailure) {
        for text in (options[Self.settings] ?? "").split(separator: ",") {
            let text = text.trimmingPrefix { $0 == " " }
            guard let setting = InterfaceSetting(text) else {
                throw EngineFailure(
                    code: .invalid, message: "\"\(text)\" is not a setting of an interface",
                    hint: "such as net.ipv4.conf.IFNAME.log_martians=1; write the word IFNAME literally")
            }
            settings.append(setting)
        }
        guard let name = options[Self.interfaceName], !name.isEmpty else { return }
        try BridgeName.checkInterfaceName(name)
        interfaceName = name
    }
}
