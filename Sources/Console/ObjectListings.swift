import EngineWire
import JSON

/// Tables and JSON fields of images, projects, volumes, networks and processes.
package enum ObjectListings {
    /// `images`: an image of the project's containers.
    package struct ContainerImage: Sendable {
        package let container: String
        package let image: ImageRow?
        /// The name in the container.
        package let name: String
        package let id: String

        package init(container: String, image: ImageRow?, name: String, id: String) {
            self.container = container
            self.image = image
            self.name = name
            self.id = id
        }

        fileprivate var parts: (repository: String, tag: String) {
            ObjectListings.repositoryAndTag(image?.reference ?? name)
        }
    }

    package static func table(_ images: [ContainerImage], now: Double, width: Int?) -> String {
        var table = TextTable(
            [
                .init("CONTAINER"), .init("REPOSITORY", canShrink: true), .init("TAG", canShrink: true),
                .init("PLATFORM"), .init("IMAGE ID"), .init("SIZE"), .init("CREATED"),
            ], minimum: 20)
        for item in images {
            table.add([
                item.container, item.parts.repository, item.parts.tag, item.image?.platform ?? "", shortID(item.id),
                item.image.map { HumanUnits.size($0.size) } ?? "", age(item.image?.taggedAt, now: now),
            ])
        }
        return table.render(width: width)
    }

    package static func fields(_ item: ContainerImage) -> JSONValue {
        let time = item.image?.taggedAt.map { CalendarTime.rfc3339(nanoseconds: Int64($0 * 1e9)) } ?? ""
        return .object(
            object([
                ("ID", .string(item.id)), ("ContainerName", .string(item.container)),
                ("Repository", .string(item.parts.repository)), ("Tag", .string(item.parts.tag)),
                ("Platform", .string(item.image?.platform ?? "")), ("Size", .integer(item.image?.size ?? 0)),
                ("LastTagTime", .string(time)),
            ]))
    }

    /// `image ls`.
    package static func table(
        _ images: [ImageRow], now: Double, whole: Bool, digests: Bool = false, width: Int?
    ) -> String {
        let digest = digests ? [TextTable.Column("DIGEST")] : []
        var table = TextTable(
            [.init("REPOSITORY", canShrink: true), .init("TAG", canShrink: true)] + digest
                + [.init("IMAGE ID"), .init("CREATED"), .init("SIZE")])
        for image in images {
            let (repository, tag) = repositoryAndTag(image.reference)
            table.add(
                [repository, tag] + (digests ? [image.digest ?? "<none>"] : []) + [
                    whole ? image.id : shortID(image.id), age(image.createdAt, now: now), HumanUnits.size(image.size),
                ])
        }
        return table.render(width: width)
    }

    package static func fields(_ image: ImageRow, now: Double) -> JSONValue {
        let (repository, tag) = repositoryAndTag(image.reference)
        return .object(
            object([
                ("CreatedAt", .string(image.createdAt.map(CalendarTime.createdAt) ?? "")),
                ("CreatedSince", .string(age(image.createdAt, now: now))),
                ("Digest", .string(image.digest ?? "<none>")), ("ID", .string(image.id)),
                ("Platform", .string(image.platform)), ("Repository", .string(repository)),
                ("Size", .string(HumanUnits.size(image.size))), ("Tag", .string(tag)),
            ]))
    }

    /// `ls`: `running(3)`, `exited(1), running(2)`.
    package static func status(_ project: ProjectRow) -> String {
        project.states.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.key)(\($0.value))" }
            .joined(separator: ", ")
    }

    package static func table(_ projects: [ProjectRow], width: Int?) -> String {
        var table = TextTable(
            [.init("NAME"), .init("STATUS"), .init("CONFIG FILES", canShrink: true)], minimum: 20)
        for project in projects.sorted(by: { $0.name < $1.name }) {
            table.add([project.name, status(project), project.configFiles.joined(separator: ",")])
        }
        return table.render(width: width)
    }

    package static func fields(_ project: ProjectRow) -> JSONValue {
        .object(
            object([
                ("Name", .string(project.name)), ("Status", .string(status(project))),
                ("ConfigFiles", .string(project.configFiles.joined(separator: ","))),
            ]))
    }

    /// `volumes`, `volume ls`.
    package static func table(_ volumes: [VolumeRow], width: Int?) -> String {
        var table = TextTable([.init("DRIVER"), .init("VOLUME NAME", canShrink: true)])
        for volume in volumes.sorted(by: { $0.name < $1.name }) { table.add([volume.driver, volume.name]) }
        return table.render(width: width)
    }

    package static func fields(_ volume: VolumeRow) -> JSONValue {
        let labels = volume.labels.sorted { $0.key < $1.key }
        return .object(
            object([
                ("Availability", "N/A"), ("Driver", .string(volume.driver)), ("Group", "N/A"),
                ("LabelMap", .object(object(labels.map { ($0.key, .string($0.value)) }))),
                ("Labels", .string(labels.map { "\($0.key)=\($0.value)" }.joined(separator: ","))),
                ("Links", .string("\(volume.users.count)")), ("Mountpoint", .string(volume.mountpoint)),
                ("Name", .string(volume.name)), ("Scope", "local"), ("Size", "N/A"), ("Status", "N/A"),
            ]))
    }

    /// `network ls`.
    package static func table(_ networks: [NetworkRow], width: Int?) -> String {
        var table = TextTable([
            .init("NAME", canShrink: true), .init("DRIVER"), .init("BRIDGE"), .init("SUBNETS", canShrink: true),
        ])
        for network in networks.sorted(by: { $0.name < $1.name }) {
            table.add([network.name, network.driver, network.bridge, network.subnets.joined(separator: ", ")])
        }
        return table.render(width: width)
    }

    package static func fields(_ network: NetworkRow) -> JSONValue {
        let labels = network.labels.sorted { $0.key < $1.key }
        return .object(
            object([
                ("Bridge", .string(network.bridge)), ("CreatedAt", .string(CalendarTime.createdAt(network.createdAt))),
                ("Driver", .string(network.driver)), ("Internal", .string("\(network.isInternal)")),
                ("LabelMap", .object(object(labels.map { ($0.key, .string($0.value)) }))),
                ("Labels", .string(labels.map { "\($0.key)=\($0.value)" }.joined(separator: ","))),
                ("Name", .string(network.name)), ("Scope", "local"),
                ("Subnets", .array(network.subnets.map { .string($0) })),
            ]))
    }

    /// `top`: one table for all; `offset` is the machine's seconds east of UTC.
    package static func table(
        _ processes: [(container: ContainerRow, rows: [ProcessRow])], now: Double, offset: Int
    ) -> String {
        var table = TextTable(
            ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], minimum: 4, gap: 2)
        for (container, rows) in processes {
            for row in rows {
                let start = CalendarTime(seconds: Int(row.startedAt), offset: offset)
                let isToday = start.date == CalendarTime(seconds: Int(now), offset: offset).date
                let used = CalendarTime(seconds: Int(row.cpuTime))
                table.add([
                    container.service, container.number.map(String.init) ?? "-", row.user, "\(row.pid)",
                    "\(row.parent)",
                    "\(row.cpu)", isToday ? String(start.time.prefix(5)) : start.date, row.tty, used.time, row.command,
                ])
            }
        }
        return table.render()
    }

    /// `registry:5000/team/app:1.2` → repository and tag; `<none>` for a missing part.
    static func repositoryAndTag(_ reference: String?) -> (repository: String, tag: String) {
        guard let reference else { return ("<none>", "<none>") }
        let name = reference.split(separator: "@", maxSplits: 1).first.map(String.init) ?? reference
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return (name, "<none>") }
        return (String(name[..<colon]), String(name[name.index(after: colon)...]))
    }

    /// The first 12 digits of an id, without `sha256:`.
    package static func shortID(_ id: String) -> String {
        String((id.split(separator: ":").last ?? "").prefix(12))
    }

    private static func age(_ instant: Double?, now: Double) -> String {
        instant.map { HumanUnits.ago($0, now: now) } ?? "N/A"
    }
}
