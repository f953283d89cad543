import EngineWire
import ProjectModel
import Reconcile

extension PreflightInspector {
    /// Problems with `logging`.
    static func logging(_ desired: Desired, _ plan: Plan) -> Verdict {
        let touched = touched(plan)
        var verdict = Verdict()
        for service in desired.services where touched.contains(service.spec.name) {
            guard let logging = service.spec.logging else { continue }
            verdict += self.logging(logging, of: service.spec.name)
        }
        return verdict
    }

    /// Checks each option separately, to report every wrong one at its place.
    private static func logging(_ logging: Logging, of service: String) -> Verdict {
        let path = AttributePath.service(service, "logging")
        var verdict = Verdict()
        func take(_ options: [String: String], _ path: AttributePath, except known: [String]) -> [String] {
            do {
                let warnings = try LoggingPlan(Logging(driver: logging.driver, options: options)).warnings
                verdict.warnings += warnings.filter { !known.contains($0) }.map {
                    EngineFailure(code: .unsupported, message: $0).of(service, at: path)
                }
                return warnings
            } catch {
                verdict.errors.append(EngineFailure(describing: error).of(service, at: path))
                return known
            }
        }
        let told = take([:], path.appending("driver"), except: [])
        for (name, value) in logging.options.sorted(by: { $0.key < $1.key }) {
            _ = take([name: value], path.appending("options").appending(name), except: told)
        }
        return verdict
    }
}
