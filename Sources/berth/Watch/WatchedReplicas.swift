import Console
import EngineClient
import EngineWire
import FileWatch
import JSON
import Linux

/// The containers that changes are copied into, and what each of them has received.
///
/// A new container starts with the files of its image, so it gets everything that was copied since the watch began. A
/// container that was down gets what it missed when it runs again.
final class WatchedReplicas {
    private let session: Session
    private let project: String
    private let services: Set<String>
    /// Containers by id, in their last known state.
    private var rows: [String: ContainerRow] = [:]
    /// Containers that missed a copy.
    private var stale: Set<String> = []
    /// Everything copied so far: the newest source of each path, nil for a removed one.
    private var journal: [String: [String: String?]] = [:]

    init(_ session: Session, project: String, services: Set<String>) {
        self.session = session
        self.project = project
        self.services = services
    }

    /// The running containers of a service.
    func running(_ service: String) -> [ContainerRow] {
        rows.values.filter { $0.service == service && $0.state == .running }.sorted { $0.name < $1.name }
    }

    /// The result of `update`.
    struct News {
        /// Running containers that did not exist before.
        var new: [ContainerRow] = []
        /// Containers that run again and may have missed copies.
        var restarted: [ContainerRow] = []
    }

    func update(_ all: [ContainerRow]) -> News {
        var news = News()
        let own = all.filter { !$0.isOneOff && services.contains($0.service) }
        for row in own where row.state == .running {
            guard let before = known[row.id] else {
                news.new.append(row)
                known[row.id] = row.startedAt
                continue
            }
            if before != row.startedAt || stale.contains(row.id) { news.restarted.append(row) }
            known[row.id] = row.startedAt
        }
        rows = Dictionary(own.map { ($0.id, $0) }) { $1 }
        known = known.filter { rows[$0.key] != nil }
        stale.formIntersection(rows.keys)
        return news
    }

    /// When each running container was started.
    private var known: [String: Double?] = [:]

    /// Copies changes into all containers of a service.
    func copy(_ copies: [WatchPlan.Copy], to service: String) {
        for copy in copies { journal[service, default: [:]][copy.target] = .some(copy.source) }
        for row in rows.values where row.service == service && row.state != .running { stale.insert(row.id) }
        place(copies, in: running(service))
    }

    /// Copies into `rows` what was copied into others before, after `first`.
    func catchUp(_ rows: [ContainerRow], with first: [WatchPlan.Copy] = []) {
        guard let service = rows.first?.service else { return }
        var merged = Dictionary(first.map { ($0.target, $0.source) }) { $1 }
        merged.merge(journal[service] ?? [:]) { $1 }
        guard !merged.isEmpty else { return }
        place(merged.sorted { $0.key < $1.key }.map { WatchPlan.Copy(target: $0.key, source: $0.value) }, in: rows)
    }

    /// The maximum size of the paths in one request, in bytes.
    private static let mostRemoved = 24 << 10

    private func place(_ copies: [WatchPlan.Copy], in rows: [ContainerRow]) {
        guard !rows.isEmpty else { return }
        var removed: [[String]] = [[]]
        var size = 0
        for copy in copies where copy.source == nil {
            size += copy.target.utf8.count + 4
            if size > Self.mostRemoved {
                removed.append([])
                size = copy.target.utf8.count
            }
            removed[removed.count - 1].append(copy.target)
        }
        do {
            for part in removed.dropLast() {
                send(FilesRequest(removed: part), try SyncArchive([]), to: rows)
            }
            let archive = try SyncArchive(copies)
            for fault in archive.faults { session.warn("cannot copy \(fault)") }
            send(FilesRequest(removed: removed.last ?? []), archive, to: rows)
        } catch {
            session.warn("cannot write the changed files for the containers: \(plainText(of: error))")
            stale.formUnion(rows.map(\.id))
        }
    }

    private func send(_ request: FilesRequest, _ archive: borrowing SyncArchive, to rows: [ContainerRow]) {
        let answers: [Result<FilesAnswer, EngineFailure>]
        do throws(EngineFailure) {
            answers = try session.engine.place(request, from: archive.file, in: rows.map(\.id))
        } catch {
            answers = rows.map { _ in .failure(error) }
        }
        for (row, answer) in zip(rows, answers) {
            switch answer {
            case .success(let answer):
                stale.remove(row.id)
                for fault in answer.faults.prefix(5) { session.warn("\(row.name): \(fault)") }
                if answer.faults.count > 5 { session.warn("\(row.name): and \(answer.faults.count - 5) more") }
            case .failure(let failure):
                stale.insert(row.id)
                // It has just ended or is being replaced: it gets its files when it runs.
                if [.conflict, .notFound, .engineLost, .unreachable].contains(failure.code) { continue }
                session.warn(EngineFailure(code: failure.code, message: "\(row.name): \(failure)", hint: failure.hint))
            }
        }
    }
}
