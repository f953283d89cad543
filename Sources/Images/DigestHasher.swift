import CNettle
import OCI

/// Computes a digest piece by piece, with the hash functions of nettle, which libarchive needs anyway.
package struct DigestHasher {
    private enum State {
        case sha256(sha256_ctx)
        case sha512(sha512_ctx)
    }
    private var state: State

    package init(_ algorithm: Digest.Algorithm = .sha256) {
        switch algorithm {
        case .sha256:
            var context = sha256_ctx()
            nettle_sha256_init(&context)
            state = .sha256(context)
        case .sha512:
            var context = sha512_ctx()
            nettle_sha512_init(&context)
            state = .sha512(context)
        }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        switch state {
        case .sha256(var context):
            nettle_sha256_update(&context, bytes.count, start)
            state = .sha256(context)
        case .sha512(var context):
            nettle_sha512_update(&context, bytes.count, start)
            state = .sha512(context)
        }
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    package func finish() -> Digest {
        let algorithm: Digest.Algorithm
        var bytes: [UInt8]
        switch state {
        case .sha256(var context):
            algorithm = .sha256
            bytes = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
            nettle_sha256_digest(&context, bytes.count, &bytes)
        case .sha512(var context):
            algorithm = .sha512
            bytes = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_SIZE))
            nettle_sha512_digest(&context, bytes.count, &bytes)
        }
        let digits = Array("0123456789abcdef".utf8)
        let hex = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        guard let digest = Digest(algorithm: algorithm, hex: String(decoding: hex, as: UTF8.self)) else {
            preconditionFailure("a hash is hex of its algorithm's length")
        }
        return digest
    }
}
