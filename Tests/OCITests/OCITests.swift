import JSON
import OCI
import Testing

@Suite struct OCITests {
    @Test(arguments: [
        "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "", "sha256",
        "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        "sha256:../../../../etc/passwd0000000000000000000000000000000000000000000",
    ])
    func aTextThatIsNoDigestIsRefused(_ text: String) {
        #expect(Digest(text) == nil)
    }

    @Test func aRuntimeSpecKeepsTheSpellingOfTheSpecification() throws {
        var spec = RuntimeSpec()
        var process = RuntimeSpec.Process(args: ["sh"])
        process.rlimits = [.init(type: "RLIMIT_NOFILE", soft: 1024, hard: .max)]
        process.oomScoreAdj = 0
        spec.process = process
        let text = String(decoding: try encodeJSON(spec), as: UTF8.self)
        #expect(
            text
                == #"{"ociVersion":"1.2.0","process":{"user":{"uid":0,"gid":0},"args":["sh"],"cwd":"/","rlimits":[{"type":"RLIMIT_NOFILE","soft":1024,"hard":18446744073709551615}],"oomScoreAdj":0}}"#
        )
        #expect(try decodeJSON(RuntimeSpec.self, from: text.utf8) == spec)
    }
}
