import Crypto
import OCI

/// Computes a digest piece by piece.
struct DigestHasher {
    private var sha256 = SHA256()
    /// Set where the stronger one is asked for; `sha256` is then idle.
    private var sha512: SHA512?

    init(_ algorithm: OCI.Digest.Algorithm = .sha256) {
        if algorithm == .sha512 { sha512 = SHA512() }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if sha512 == nil {
            sha256.update(bufferPointer: bytes)
        } else {
            sha512?.update(bufferPointer: bytes)
        }
    }

    mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    func finish() -> OCI.Digest {
        let bytes = sha512.map { Array($0.finalize()) } ?? Array(sha256.finalize())
        let digits = Array("0123456789abcdef".utf8)
        let hex = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        let algorithm: OCI.Digest.Algorithm = sha512 == nil ? .sha256 : .sha512
        guard let digest = OCI.Digest(algorithm: algorithm, hex: String(decoding: hex, as: UTF8.self)) else {
            preconditionFailure("a hash is hex of its algorithm's length")
        }
        return digest
    }
}
