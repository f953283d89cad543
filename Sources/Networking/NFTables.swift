import CNFTables
import Linux

/// libnftables in the network namespace of the thread that made it.
///
/// The library keeps state of the whole process, so no two threads may be inside it at once.
final class NFTables {
    private let context: OpaquePointer

    /// - Throws: `FirewallError.refused` when the kernel has no nftables.
    init() throws(FirewallError) {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw .refused("no context: is the kernel built with nf_tables?")
        }
        nft_ctx_buffer_output(context)
        nft_ctx_buffer_error(context)
        self.context = context
    }

    deinit { nft_ctx_free(context) }

    /// Carries out `commands` as one transaction: all or nothing. Returns what they print, `asJSON` with handles.
    @discardableResult
    func run(_ commands: String, asJSON: Bool = false) throws(FirewallError) -> String {
        nft_ctx_output_set_flags(context, asJSON ? Self.json : 0)
        let result = nft_run_cmd_from_buffer(context, commands)
        let output = nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        let error = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        guard result == 0 else { throw .refused(Self.firstLine(of: error)) }
        return output
    }

    private static let json: UInt32 = 1 << 4 | 1 << 3  // NFT_CTX_OUTPUT_JSON, NFT_CTX_OUTPUT_HANDLE

    private static func firstLine(of words: String) -> String {
        words.split(separator: "\n").first { $0.contains("rror") }.map(String.init) ?? "failed without a word"
    }
}
