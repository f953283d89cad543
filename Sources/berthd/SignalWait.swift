import Dispatch
import Glibc

/// Waits for the signals that end a program politely.
final class SignalWait: Sendable {
    private let stream: AsyncStream<CInt>
    private let sources: [any DispatchSourceSignal]

    init(_ signals: [CInt]) {
        let (stream, continuation) = AsyncStream.makeStream(of: CInt.self)
        self.stream = stream
        sources = signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    func next() async -> String {
        for await number in stream { return number == SIGTERM ? "SIGTERM" : "SIGINT" }
        return ""
    }
}
