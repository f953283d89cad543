import Glibc
import Linux

/// Forwards one query to the upstream servers, one after the other until one answers.
final class Exchange {
    /// Seconds to wait for each server's answer.
    private static let patience: UInt64 = 4

    private let loop: EventLoop
    private let query: DNSQuery
    private let bytes: [UInt8]
    private let transport: InternetSocket.Kind
    private var servers: ArraySlice<(position: Int, upstream: Zone.Upstream)>
    private let open: (Zone.Upstream, InternetSocket.Kind) throws(SyscallError) -> OwnedFD
    /// Called once, with the answer under the client's id and the position of its server, or nil.
    private var finish: (([UInt8], Int)?) -> Void

    private let id = UInt16.random(in: .min ... .max)
    private var socket: OwnedFD?
    private var watch: EventLoop.Token?
    private var deadline: EventLoop.Token?
    private var received: [UInt8] = []
    /// An answer in which a server failed or refused; used when no other server does better.
    private var refusal: ([UInt8], Int)?

    init(
        _ query: DNSQuery, _ bytes: [UInt8], over transport: InternetSocket.Kind, to upstreams: [Zone.Upstream],
        beginningWith first: Int, loop: EventLoop,
        open: @escaping (Zone.Upstream, InternetSocket.Kind) throws(SyscallError) -> OwnedFD,
        finish: @escaping (([UInt8], Int)?) -> Void
    ) {
        self.loop = loop
        self.query = query
        self.bytes = [UInt8(id >> 8), UInt8(id & 0xff)] + bytes.dropFirst(2)
        self.transport = transport
        let ordered = upstreams.prefix(3).enumerated().map { (position: $0.offset, upstream: $0.element) }
        servers = (ordered.filter { $0.position == first } + ordered.filter { $0.position != first })[...]
        self.open = open
        self.finish = finish
    }

    /// Asks the next server; ends without an answer when there is none left.
    func askNext() {
        close()
        while let (position, upstream) = servers.popFirst() {
            do throws(SyscallError) {
                try ask(upstream, position)
                return
            } catch {
                close()
            }
        }
        end(refusal)
    }

    /// Ends without calling back.
    func abandon() {
        finish = { _ in }
        close()
    }

    private func ask(_ upstream: Zone.Upstream, _ position: Int) throws(SyscallError) {
        let socket = try open(upstream, transport)
        let raw = socket.raw
        self.socket = consume socket
        received = []
        do throws(SyscallError) {
            try InternetSocket.connect(raw, to: upstream.endpoint)
        } catch {
            guard error.code.rawValue == EINPROGRESS else { throw error }
        }
        deadline = loop.after(Self.patience) { [weak self] in self?.askNext() }
        switch transport {
        case .udp:
            try InternetSocket.send(raw, bytes)
            watch = try loop.watch(raw, .readable) { [weak self] _ in self?.receiveDatagram(raw, position) }
        case .tcp:
            watch = try loop.watch(raw, .writable) { [weak self] _ in self?.continueStream(raw, position) }
        }
    }

    private func receiveDatagram(_ descriptor: CInt, _ position: Int) {
        do throws(SyscallError) {
            // Bounded, so that a flood of forged answers cannot keep the loop here.
            for _ in 0..<16 {
                guard let (count, _) = try InternetSocket.receive(descriptor, into: &loop.scratch) else { return }
                if accept(Array(loop.scratch[..<count]), position) { return }
            }
        } catch {
            askNext()  // refused: nothing listens there
        }
    }

    private func continueStream(_ descriptor: CInt, _ position: Int) {
        guard let watch else { return }
        do throws(SyscallError) {
            if received.isEmpty, let failure = InternetSocket.pendingError(descriptor) {
                throw SyscallError(call: "connect", object: "upstream", code: failure)
            }
            if !isSent {
                try InternetSocket.send(descriptor, [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes)
                isSent = true
                loop.change(watch, to: .readable)
                return
            }
            guard let (count, _) = try InternetSocket.receive(descriptor, into: &loop.scratch) else { return }
            if count == 0 { return askNext() }
            received += loop.scratch[..<count]
            guard received.count >= 2 else { return }
            let length = Int(received[0]) << 8 | Int(received[1])
            if received.count >= 2 + length, !accept(Array(received[2..<2 + length]), position) { askNext() }
        } catch {
            askNext()
        }
    }

    private var isSent = false

    /// Whether `answer` belongs to this query; everything else is ignored.
    private func accept(_ answer: [UInt8], _ position: Int) -> Bool {
        guard let head = DNSResponseHead(parsing: answer), head.id == id, head.answers(query.question) else {
            return false
        }
        let own = ([UInt8(query.id >> 8), UInt8(query.id & 0xff)] + answer.dropFirst(2), position)
        // After a failure or a refusal, another server may have an answer.
        if head.code == 2 || head.code == 5 {
            refusal = refusal ?? own
            askNext()
        } else {
            end(own)
        }
        return true
    }

    private func end(_ answer: ([UInt8], Int)?) {
        close()
        let finish = self.finish
        self.finish = { _ in }
        finish(answer)
    }

    private func close() {
        if let watch { loop.ignore(watch) }
        if let deadline { loop.cancel(deadline) }
        watch = nil
        deadline = nil
        isSent = false
        socket = nil
    }
}
