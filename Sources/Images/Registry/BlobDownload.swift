import AsyncHTTPClient
import Linux
import NIOCore
import NIOHTTP1
import OCI

/// Downloads a blob into a file of the store, continuing an earlier attempt.
struct BlobDownload: Sendable {
    let client: RegistryClient
    let content: ContentStore
    let pool: BlockingPool
    let retries: RetryPolicy
    let descriptor: Descriptor
    let report: @Sendable (PullProgress) -> Void

    /// Returns when the blob is in the content store. After a connection failure it keeps the received part for the
    /// next time, but not if the part is wrong or the disk is full.
    func run() async throws {
        let path = content.partialPath(descriptor.digest)
        do {
            let algorithm = descriptor.digest.algorithm
            let sink = try await pool.run { try BlobSink(resuming: path, algorithm: algorithm) }
            if sink.size > descriptor.size { try await pool.run { try sink.reset(algorithm: algorithm) } }
            let resumed = sink.size > 0
            try await fill(sink)
            if sink.finish() != descriptor.digest && resumed {
                // The part from the earlier attempt may be wrong.
                try await pool.run { try sink.reset(algorithm: algorithm) }
                try await fill(sink)
            }
            let actual = sink.finish()
            guard actual == descriptor.digest else {
                throw ImageError.digestMismatch(what: "a layer", expected: descriptor.digest, actual: actual)
            }
            try await pool.run { try content.adopt(path, as: descriptor.digest) }
        } catch {
            let isWorthKeeping: Bool
            switch error {
            case ImageError.registry, is CancellationError: isWorthKeeping = true
            default: isWorthKeeping = false
            }
            if !isWorthKeeping { await pool.runInfallible { try? removeTree(path) } }  // GC would remove it anyway
            throw error
        }
    }

    /// Requests the missing part until the size is reached; gives up after several attempts without new bytes.
    private func fill(_ sink: BlobSink) async throws {
        var failures = 0
        while sink.size < descriptor.size {
            let before = sink.size
            do {
                try await transfer(into: sink)
                guard sink.size < descriptor.size else { return }
                throw RegistryStatus(code: 200, text: "\(descriptor.digest) ends after \(sink.size) bytes")
            } catch {
                switch error {
                case is ImageError, is CancellationError, is SyscallError: throw error
                default: break
                }
                failures = sink.size > before ? 1 : failures + 1
                guard failures < retries.attempts else { throw await client.explain(error) }
                try await retries.wait(failures, after: nil)
            }
        }
    }

    private func transfer(into sink: BlobSink) async throws {
        let response = try await client.openBlob(descriptor.digest, from: sink.size)
        switch response.status {
        case .partialContent: break
        case .ok:
            if sink.size > 0 {
                try await pool.run { [descriptor] in try sink.reset(algorithm: descriptor.digest.algorithm) }
            }
        default: throw await client.failure(response, "blob \(descriptor.digest)")
        }
        var waiting: [UInt8] = []
        do {
            for try await piece in response.body {
                waiting += piece.readableBytesView
                guard waiting.count >= 1 << 20 else { continue }
                try await append(waiting, to: sink)
                waiting.removeAll(keepingCapacity: true)
            }
        } catch {
            if !(error is SyscallError) && !(error is ImageError) { try await append(waiting, to: sink) }
            throw error
        }
        try await append(waiting, to: sink)
    }

    private func append(_ bytes: [UInt8], to sink: BlobSink) async throws {
        guard !bytes.isEmpty else { return }
        guard sink.size + Int64(bytes.count) <= descriptor.size else {
            throw ImageError.invalidImage(
                "\(descriptor.digest) is longer than the \(descriptor.size) bytes in its descriptor")
        }
        try await pool.run { try sink.append(bytes) }
        report(.transferred(descriptor.digest, done: sink.size, total: descriptor.size))
    }
}
