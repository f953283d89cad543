/// Actions with deadlines: a binary heap by time, so that ten thousand deadlines cost little more than ten.
package struct Deadlines {
    package typealias Token = UInt64

    private struct Entry {
        /// CLOCK_BOOTTIME, nanoseconds.
        let at: UInt64
        let token: Token
    }

    private var heap: [Entry] = []
    /// Actions that are not cancelled. A cancelled one stays in the heap until its time comes, or until most of the
    /// heap is cancelled.
    private var actions: [Token: () -> Void] = [:]

    package init() {}

    /// The time of the next action.
    package var next: UInt64? { heap.first?.at }

    package mutating func insert(_ token: Token, at time: UInt64, _ action: @escaping () -> Void) {
        actions[token] = action
        heap.append(Entry(at: time, token: token))
        rise(from: heap.count - 1)
    }

    package mutating func remove(_ token: Token) {
        guard actions.removeValue(forKey: token) != nil else { return }
        guard heap.count > 64, heap.count > actions.count * 2 else { return dropCancelled() }
        // A sorted array is a heap, too.
        heap = heap.filter { actions[$0.token] != nil }.sorted { $0.at < $1.at }
    }

    /// Removes and returns an action whose time has come.
    package mutating func takeDue(at time: UInt64) -> (() -> Void)? {
        dropCancelled()
        guard let first = heap.first, first.at <= time else { return nil }
        removeFirst()
        return actions.removeValue(forKey: first.token)
    }

    /// Cancelled actions must not wake the process.
    private mutating func dropCancelled() {
        while let first = heap.first, actions[first.token] == nil { removeFirst() }
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        sink()
    }

    private mutating func rise(from position: Int) {
        var child = position
        while child > 0, heap[(child - 1) / 2].at > heap[child].at {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let least = children.min(by: { heap[$0].at < heap[$1].at }), heap[least].at < heap[parent].at else {
                return
            }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
