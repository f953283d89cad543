import EngineWire
import ProjectModel
import Reconcile

extension EngineFailure {
    init(_ finding: PreflightFinding) {
        let code: Code =
            switch finding.code {
            case .missingImage: .imageMissing
            case .portTaken, .portClash: .portTaken
            case .containerNameTaken, .containerNameClash, .subnetClash, .networkNotOurs: .conflict
            case .networkMissing, .volumeMissing, .secretFileMissing, .configFileMissing, .bindSourceMissing,
                .socketMissing, .containerMissing:
                .notFound
            case .limitUnsupported, .limitDiscarded, .externalFileObject, .driverUnsupported, .kernelLacks,
                .platformForeign:
                .unsupported
            default: .invalid
            }
        self.init(code: code, message: finding.message, hint: finding.hint, path: finding.path)
        if let service = finding.service { self = of(service) }
    }

    /// The same failure with the owner that it is about.
    func of(_ owner: Owner) -> EngineFailure {
        if let service = owner.service { return of(service) }
        var failure = self
        if !message.hasPrefix(owner.subject) { failure.message = "\(owner.subject): \(message)" }
        return failure
    }

    /// The same failure with the service that it is about, and the attribute in it.
    func of(_ service: String, at path: AttributePath? = nil) -> EngineFailure {
        var failure = self
        let name = "service \"\(service)\": "
        if !message.hasPrefix(name) { failure.message = name + message }
        failure.path = self.path ?? path
        return failure
    }
}
