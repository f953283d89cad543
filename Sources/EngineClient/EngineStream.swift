import EngineWire
import JSON

/// An answer that arrives line by line (newline-delimited JSON); each line is an `Element`.
package final class EngineStream<Element: Decodable> {
    private let connection: EngineConnection
    private var pending: [UInt8] = []
    private var ready: ArraySlice<Element> = []
    private let decode: (ArraySlice<UInt8>) throws -> Element

    /// `decode` reads one line, for elements that arrive in very large numbers.
    init(
        _ connection: EngineConnection,
        decode: @escaping (ArraySlice<UInt8>) throws -> Element = { try decodeJSON(Element.self, from: $0) }
    ) {
        self.connection = connection
        self.decode = decode
    }

    /// For waiting with poll(2) until `nextBatch` will not block; this object still owns it.
    package var descriptor: CInt { connection.descriptor }

    /// The elements that have arrived; waits once for bytes when there are none, so it may return an empty list.
    /// - Returns: nil at the end.
    package func nextBatch() throws(EngineFailure) -> [Element]? {
        if connection.isComplete && pending.isEmpty { return nil }
        let bytes = try connection.someBody()
        pending.append(contentsOf: bytes)
        if connection.isComplete, !pending.isEmpty, pending.last != 0x0A { pending.append(0x0A) }
        var elements: [Element] = []
        var start = 0
        while let end = pending[start...].firstIndex(of: 0x0A) {
            if end > start { elements.append(try element(of: pending[start..<end])) }
            start = end + 1
        }
        pending.removeFirst(start)
        return elements
    }

    /// Waits for the next element; nil at the end.
    package func next() throws(EngineFailure) -> Element? {
        while ready.isEmpty {
            guard let batch = try nextBatch() else { return nil }
            ready = batch[...]
        }
        return ready.removeFirst()
    }

    private func element(of line: ArraySlice<UInt8>) throws(EngineFailure) -> Element {
        do { return try decode(line) } catch {
            throw EngineFailure(
                code: .protocolViolated,
                message: "the engine sent a line that this berth does not understand: \(plainText(of: error))",
                hint: "berth and berthd may have different versions: `berth version` shows both")
        }
    }
}
