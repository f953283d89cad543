import EngineWire
import GRDB
import JSON
import ProjectModel
import Reconcile

/// A service as it was at one time, for rollbacks.
package struct ServiceVersion: Codable, Hashable, Sendable {
    package var project: String
    package var service: String
    /// Starts at 1 and grows with each version.
    package var number: Int
    package var spec: Service
    /// The id of the image that its reference named then; nil when the image was missing.
    package var image: String?
    /// Nanoseconds since 1970.
    package var at: Int64
    package var cause: VersionRow.Cause
}

extension ServiceVersion {
    fileprivate func isSame(as other: ServiceVersion) -> Bool {
        image == other.image && divergences(from: spec.template, to: other.spec.template).isEmpty
    }
}

extension Desired {
    /// Gives a new version number to each service that differs from `before`: in what shapes its containers, or in the
    /// image that its reference names.
    /// - Returns: The new versions.
    mutating func numberVersions(
        since before: Desired?, images: [String: String], at time: Int64, because cause: VersionRow.Cause
    ) -> [ServiceVersion] {
        var versions: [ServiceVersion] = []
        for index in services.indices where !services[index].isOrphan && services[index].goal != .absent {
            let service = services[index]
            let old = before?.service(service.spec.name)
            let image = service.pinnedImage ?? service.spec.image.flatMap { images[$0] }
            if let old, let number = old.version, image == nil || image == old.versionImage,
                old.spec == service.spec || divergences(from: old.spec.template, to: service.spec.template).isEmpty
            {
                services[index].version = number
                services[index].versionImage = old.versionImage
                continue
            }
            let number = (service.version ?? 0) + 1
            services[index].version = number
            services[index].versionImage = image
            versions.append(
                ServiceVersion(
                    project: project, service: service.spec.name, number: number, spec: service.spec, image: image,
                    at: time, cause: cause))
        }
        return versions
    }
}

extension Store {
    /// The number of versions to keep for each service.
    private static let keptVersions = 10

    static func makeVersionTable(_ database: Database) throws {
        try database.create(table: "version") { definition in
            definition.column("project", .text).notNull()
            definition.column("service", .text).notNull()
            definition.column("number", .integer).notNull()
            definition.column("image", .text)
            definition.column("record", .blob).notNull()
            definition.primaryKey(["project", "service", "number"])
        }
    }

    static func put(_ version: ServiceVersion, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO version (project, service, number, image, record)
                VALUES (?, ?, ?, ?, CAST(? AS BLOB))
                """,
            arguments: [
                version.project, version.service, version.number, version.image,
                String(decoding: try encodeJSON(version), as: UTF8.self),
            ])
        try database.execute(
            sql: "DELETE FROM version WHERE project = ? AND service = ? AND number <= ?",
            arguments: [version.project, version.service, version.number - keptVersions])
    }

    /// The versions of a service, oldest first.
    package func versions(of service: String, in project: String) throws -> [ServiceVersion] {
        try reading { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT record FROM version WHERE project = ? AND service = ? ORDER BY number",
                arguments: [project, service])
            var versions: [ServiceVersion] = []
            while let row = try rows.next() {
                let bytes: [UInt8] = try row.withUnsafeData(atIndex: 0) { data in data.map { Array($0) } ?? [] }
                versions.append(try decodeJSON(ServiceVersion.self, from: bytes))
            }
            return versions
        }
    }

    /// Ids of the images of the last two versions of each service, by project. A rollback needs them.
    static func versionImages(_ database: Database) throws -> [String: Set<String>] {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT DISTINCT project, image FROM version AS own WHERE image IS NOT NULL AND number > (
                    SELECT MAX(number) FROM version WHERE project = own.project AND service = own.service) - 2
                """)
        var images: [String: Set<String>] = [:]
        while let row = try rows.next() {
            let (project, image): (String, String) = (row[0], row[1])
            images[project, default: []].insert(image)
        }
        return images
    }

    package func versionImages() throws -> [String: Set<String>] { try reading { try Self.versionImages($0) } }
}

extension VersionRow {
    /// `before`: the version before this one.
    init(_ version: ServiceVersion, after before: ServiceVersion?, isCurrent: Bool) {
        var changes =
            before.map { divergences(from: $0.spec.template, to: version.spec.template).map(\.description) } ?? []
        if let before, before.spec.image == version.spec.image, before.image != version.image, version.image != nil {
            changes.insert("the image of this name changed", at: 0)
        }
        self.init(
            number: version.number, at: Double(version.at) / 1e9, cause: version.cause,
            image: version.spec.image ?? "", imageID: version.image, changes: changes, isCurrent: isCurrent)
    }
}

extension Engine {
    /// The versions of a service, newest first.
    package func history(of service: String, in project: String) async throws -> [VersionRow] {
        await gate.wait(for: .known)
        let versions = try await parts.store.versions(of: service, in: project)
        guard let wanted = await desired(of: project)?.service(service), !versions.isEmpty else {
            throw EngineFailure(
                code: .notFound, message: "there is no history of service \"\(service)\" in project \(project)",
                hint: "`berth up` starts one")
        }
        return versions.enumerated().map { index, version in
            VersionRow(
                version, after: index > 0 ? versions[index - 1] : nil, isCurrent: version.number == wanted.version)
        }.reversed()
    }
}

extension ProjectLoop {
    /// What a rollback turns `services` into: version `number`, or the last earlier version that differs from the
    /// current one and did not fail.
    func rollbackTargets(of services: [String], to number: Int?) async throws -> [String: RollbackTarget] {
        var targets: [String: RollbackTarget] = [:]
        for name in services {
            guard let current = desired?.service(name)?.version else {
                throw EngineFailure(code: .notFound, message: "service \"\(name)\" has only one version")
            }
            let versions = try await parts.store.versions(of: name, in: self.name)
            let now = versions.first { $0.number == current }
            let failed = Set(versions.filter { $0.cause == .failedUpdate }.map { $0.number - 1 })
            let found =
                number.map { number in versions.first { $0.number == number } }
                ?? versions.last { version in
                    version.number < current && !failed.contains(version.number) && now?.isSame(as: version) != true
                }
            guard let found else {
                let what = number.map { "no version \($0)" } ?? "no earlier version"
                throw EngineFailure(
                    code: .notFound, message: "service \"\(name)\" has \(what)",
                    hint: "`berth history \(name)` lists them")
            }
            if let image = found.image, try await parts.machine.image(image) == nil {
                throw EngineFailure(
                    code: .imageMissing,
                    message: "service \"\(name)\": the image of version \(found.number) is gone: \(image.prefix(19))",
                    hint: "`berth history \(name)` shows the other versions")
            }
            targets[name] = RollbackTarget(spec: found.spec, image: found.image)
        }
        return targets
    }
}
