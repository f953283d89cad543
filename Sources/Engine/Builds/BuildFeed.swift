import EngineWire
import Glibc
import Synchronization

/// The events of a build on their way to one reader, who takes them one by one; a step that writes faster than they are taken waits.
package final class BuildFeed: Sendable {
    private struct State {
        var events: [BuildEvent] = []
        /// Bytes of output in `events`.
        var size = 0
        var reader: CheckedContinuation<Void, Never>?
        /// Nothing more comes.
        var isFinished = false
        var isClosed = false
    }

    /// A step waits when the reader is this many bytes behind.
    private static let roomForOutput = 4 << 20

    // The mutex guards all of it: steps report from any thread.
    private let state = Mutex(State())
    private let onClose: @Sendable () -> Void

    /// `onClose` hears once that nobody reads any more.
    init(onClose: @escaping @Sendable () -> Void) { self.onClose = onClose }

    func tell(_ event: BuildEvent) {
        let reader = state.withLock { state in
            guard !state.isClosed else { return nil as CheckedContinuation<Void, Never>? }
            state.events.append(event)
            if case .output(_, let text, _) = event { state.size += text.utf8.count }
            return state.reader.take()
        }
        reader?.resume()
    }

    func finish() {
        let reader = state.withLock { state in
            state.isFinished = true
            return state.reader.take()
        }
        reader?.resume()
    }

    /// Waits until most of what was told is taken. For threads of their own.
    func waitForRoom() {
        while state.withLock({ $0.size > Self.roomForOutput && !$0.isClosed }) { usleep(2000) }
    }

    /// All that was told and not taken yet, waiting for something if there is nothing; nil at the end. A reader that is cancelled
    /// has gone.
    package func next() async -> [BuildEvent]? {
        while true {
            let (events, isAtEnd) = state.withLock { state in
                defer {
                    state.events = []
                    state.size = 0
                }
                return (state.events, state.isFinished || state.isClosed)
            }
            if !events.isEmpty { return events }
            if isAtEnd { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if !state.events.isEmpty || state.isFinished || state.isClosed { return true }
                        state.reader = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                close()
            }
        }
    }

    /// The reader does not read any more.
    package func close() {
        let (isNew, reader) = state.withLock { state in
            let isNew = !state.isClosed && !state.isFinished
            state.isClosed = true
            state.events = []
            return (isNew, state.reader.take())
        }
        reader?.resume()
        if isNew { onClose() }
    }
}
