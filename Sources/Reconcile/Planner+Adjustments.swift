import ProjectModel

/// The changes in place of one container, each with its reason.
struct Adjustment: Equatable {
    struct Connection: Equatable {
        /// The network's key in the file, and its full name.
        let key: String
        let network: String
        let reason: PlanReason
    }

    /// Networks that it leaves, then those that it joins; a network whose connection changes is in both lists.
    var detachments: [Connection] = []
    var attachments: [Connection] = []
    /// Why other settings are updated; nil if there are none.
    var update: PlanReason?
}

/// How to update a container to the current template of its service.
enum Deviation {
    /// Replace it.
    case anew(PlanReason)
    case inPlace(Adjustment)
}

extension Planner {
    /// Converts `found`, divergences that can all change in place, into steps. nil if one of them needs something that
    /// another container of this project holds; that requires stopping and starting containers.
    func adjustment(of container: ObservedContainer, to spec: Service, _ found: [Divergence]) -> Adjustment? {
        guard container.template.networkMode == nil, spec.networkMode == nil else {
            return Adjustment(update: found.reason)
        }
        guard !takesPorts(container, spec), !takesAddresses(container, spec) else { return nil }
        var result = Adjustment()
        var told: Set<String> = []
        let old = Dictionary(container.template.networks.map { ($0.network, $0) }) { first, _ in first }
        let new = Dictionary(spec.networks.map { ($0.network, $0) }) { first, _ in first }
        let keys = spec.networks.map(\.network) + container.template.networks.map(\.network).filter { new[$0] == nil }
        for key in keys {
            let own = found.filter { $0.field == "networks.\(key)" || $0.field.hasPrefix("networks.\(key).") }
            let made = container.networks[key]?.name ?? desired.networks[key]?.name ?? "\(desired.project)_\(key)"
            let wanted = desired.networks[key]?.name ?? "\(desired.project)_\(key)"
            let isMoved = old[key]?.needsAnotherLink(than: new[key]) ?? true || made != wanted
            guard !own.isEmpty, isMoved else { continue }
            told.formUnion(own.map(\.field))
            if old[key] != nil { result.detachments.append(.init(key: key, network: made, reason: own.reason)) }
            if new[key] != nil { result.attachments.append(.init(key: key, network: wanted, reason: own.reason)) }
        }
        let rest = found.filter { !told.contains($0.field) }
        if !rest.isEmpty { result.update = rest.reason }
        return result
    }

    /// New ports of it that another container of the project has or had.
    private func takesPorts(_ container: ObservedContainer, _ spec: Service) -> Bool {
        let own = container.template.ports
        let added = spec.ports.filter { port in
            !own.contains {
                $0.published == port.published && $0.transport == port.transport && $0.hostIP == port.hostIP
            }
        }
        return added.contains { port in
            guard let range = port.publishedRange else { return false }
            return observed.containers.contains { other in
                guard other.id != container.id else { return false }
                // Replicas share a range, and each keeps its own port.
                if other.service == container.service, range.count > 1 { return false }
                return other.template.ports.contains {
                    $0.transport == port.transport && $0.publishedRange?.overlaps(range) == true
                }
            }
        }
    }

    /// New fixed addresses of it that another container of the project has.
    private func takesAddresses(_ container: ObservedContainer, _ spec: Service) -> Bool {
        let added = Set(spec.fixedAddresses).subtracting(container.template.fixedAddresses)
        guard !added.isEmpty else { return false }
        return observed.containers.contains { other in
            other.id != container.id && !added.isDisjoint(with: other.template.fixedAddresses)
        }
    }

    /// The actions for changes in place, in this order: leave networks, join networks, then the rest.
    mutating func emitAdjustment(_ task: ReplicaTask) {
        guard let adjustment = task.adjustment, let id = task.existing?.id else { return }
        let place = servicePlace(task.replica)
        var before: [PlanDraft.Node] = []
        for connection in adjustment.detachments {
            let action = Action.detach(
                task.replica, id: id, key: connection.key, network: connection.network)
            let node = draft.add(action, at: place, because: connection.reason)
            nodes.detachments[id, default: []].append(node)
            before.append(node)
        }
        for connection in adjustment.attachments {
            let action = Action.attach(task.replica, id: id, key: connection.key, network: connection.network)
            let node = draft.add(action, at: place, because: connection.reason)
            draft.order(node, after: objects.networks[connection.key])
            draft.order(node, after: nodes.detachments[id] ?? [])
            before.append(node)
        }
        if let reason = adjustment.update {
            let node = draft.add(.update(task.replica, id: id), at: place, because: reason)
            draft.order(node, after: before)
            nodes.updates[id] = node
            before.append(node)
        }
        nodes.adjustments[id] = before
    }
}

extension NetworkAttachment {
    /// A new address or interface name needs a new interface. DNS names and the default route do not.
    fileprivate func needsAnotherLink(than other: NetworkAttachment?) -> Bool {
        guard var other else { return true }
        other.aliases = aliases
        other.priority = priority
        other.gatewayPriority = gatewayPriority
        return other != self
    }
}
