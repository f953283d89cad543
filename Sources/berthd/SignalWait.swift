import Glibc
import Linux
import Synchronization

/// The writing end of the pipe that signal handlers write to; -1 until somebody waits.
private let signalPipe = Atomic<CInt>(-1)

/// Waits for the signals that a program handles (the self-pipe trick: a signal handler may only write).
final class SignalWait: Sendable {
    private let reading: OwnedFD
    private let thread = BlockingPool(name: "signals", limit: 1)

    init(_ signals: [CInt]) throws {
        var pair = try DescriptorPair.pipe()
        reading = pair.takeFirst()
        signalPipe.store(pair.takeSecond().release(), ordering: .sequentiallyConsistent)
        for number in signals {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipe.load(ordering: .sequentiallyConsistent), &byte, 1)
            }
        }
    }

    /// The name of the next signal.
    func next() async -> String {
        let number = await thread.runInfallible { [self] in
            var byte: UInt8 = 0
            while read(reading.raw, &byte, 1) < 0 && Errno.current == .interrupted {}
            return CInt(byte)
        }
        switch number {
        case SIGTERM: return "SIGTERM"
        case SIGHUP: return "SIGHUP"
        default: return "SIGINT"
        }
    }
}
