import Console
import Dockerfile
import EngineWire
import FileWatch
import Linux
import ProjectModel

/// The `develop.watch` rules of a project's services, ready for matching.
struct WatchRules {
    let rules: [WatchPlan.Rule]

    /// The rules of `services` that can be followed.
    /// - Throws: `ExitStatus.failure` after it has shown all problems, `CommandFailure` when there are no rules at all.
    init(of services: Set<String>, in project: Project, mayBuild: Bool, _ session: Session) throws {
        var rules: [WatchPlan.Rule] = []
        var failures: [EngineFailure] = []
        for service in project.services where services.contains(service.name) && !service.watch.isEmpty {
            let context = try Self.contextIgnore(of: service)
            for (index, rule) in service.watch.enumerated() {
                let path = AttributePath.service(service.name, "develop", "watch").appending(index)
                if let failure = Self.fault(of: rule, in: service, mayBuild: mayBuild, path) {
                    failures.append(failure)
                    continue
                }
                if rule.action.copies, let bind = Self.bind(over: rule.path, in: service) {
                    session.warn(
                        EngineFailure(
                            code: .invalid,
                            message:
                                "\(rule.path) is not watched: \(bind) is mounted in the container, which sees every change",
                            hint: "remove this rule, or the mount", path: path.appending("path")))
                    continue
                }
                do throws(RuleFilter.InvalidPattern) {
                    let filter = try RuleFilter(rule, root: realPath(rule.path), context: context)
                    rules.append(.init(service: service.name, index: index, rule: rule, filter: filter))
                } catch {
                    let place = path.appending(error.attribute)
                    let isList = (error.attribute == "ignore" ? rule.ignore : rule.include).count > 1
                    failures.append(
                        EngineFailure(
                            code: .invalid, message: "service \"\(service.name)\": \(error)", hint: error.hint,
                            path: isList ? place.appending(error.index) : place))
                }
            }
        }
        if !failures.isEmpty {
            session.show(failures)
            throw ExitStatus.failure
        }
        guard !rules.isEmpty else {
            throw CommandFailure(
                "none of the selected services is configured for watch",
                hint: "add rules under `develop: watch:` of a service; `berth watch --help` shows some")
        }
        self.rules = rules
    }

    private static func fault(
        of rule: WatchRule, in service: Service, mayBuild: Bool, _ path: AttributePath
    ) -> EngineFailure? {
        switch rule.action {
        case .rebuild where !service.hasBuild:
            return EngineFailure(
                code: .invalid, message: "service \"\(service.name)\" has no `build:`, so nothing can be rebuilt",
                hint: "add `build:`, or use another action", path: path.appending("action"))
        case .rebuild where !mayBuild:
            return EngineFailure(
                code: .usage,
                message: "--no-build is incompatible with the watch action rebuild of service \"\(service.name)\"",
                hint: "leave --no-build out", path: path.appending("action"))
        case .syncAndExec where rule.exec?.command.isEmpty ?? true:
            return EngineFailure(
                code: .invalid, message: "service \"\(service.name)\": the action sync+exec needs a command",
                hint: "add `exec: {command: …}`", path: path.appending("action"))
        default: return nil
        }
    }

    /// The source of a bind mount that contains `path`.
    private static func bind(over path: String, in service: Service) -> String? {
        for volume in service.volumes {
            guard case .bind(let folder, _, _, _, _) = volume.kind else { continue }
            let (source, path) = (realPath(folder), realPath(path))
            if path == source || path.hasPrefix(source == "/" ? source : "\(source)/") { return source }
        }
        return nil
    }

    private static func contextIgnore(of service: Service) throws -> RuleFilter.ContextIgnore? {
        guard let build = service.build, build.context.hasPrefix("/") else { return nil }
        let file = build.dockerfile ?? "Dockerfile"
        let dockerfile = build.inline != nil ? nil : file.hasPrefix("/") ? file : "\(build.context)/\(file)"
        guard let ignore = try BuildWish.ignoreFile(of: build.context, dockerfile: dockerfile) else { return nil }
        return RuleFilter.ContextIgnore(folder: realPath(build.context), file: ignore)
    }
}
