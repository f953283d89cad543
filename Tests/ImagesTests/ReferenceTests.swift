import Images
import JSON
import OCI
import Testing

private let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct ReferenceCase: Sendable {
    let text: String
    let canonical: String
    let familiar: String
}

@Suite struct ReferenceTests {
    @Test(arguments: [
        ReferenceCase(text: "busybox", canonical: "docker.io/library/busybox:latest", familiar: "busybox:latest"),
        .init(text: "busybox:1.36", canonical: "docker.io/library/busybox:1.36", familiar: "busybox:1.36"),
        .init(text: "library/busybox", canonical: "docker.io/library/busybox:latest", familiar: "busybox:latest"),
        .init(text: "docker.io/busybox", canonical: "docker.io/library/busybox:latest", familiar: "busybox:latest"),
        .init(text: "index.docker.io/a/b", canonical: "docker.io/a/b:latest", familiar: "a/b:latest"),
        .init(text: "library/a/b", canonical: "docker.io/library/a/b:latest", familiar: "library/a/b:latest"),
        .init(text: "bitnami/redis:7", canonical: "docker.io/bitnami/redis:7", familiar: "bitnami/redis:7"),
        .init(text: "ghcr.io/o/r", canonical: "ghcr.io/o/r:latest", familiar: "ghcr.io/o/r:latest"),
        .init(text: "localhost/x", canonical: "localhost/x:latest", familiar: "localhost/x:latest"),
        .init(text: "localhost:5000/x:v1", canonical: "localhost:5000/x:v1", familiar: "localhost:5000/x:v1"),
        .init(text: "[::1]:5000/x", canonical: "[::1]:5000/x:latest", familiar: "[::1]:5000/x:latest"),
        .init(text: "HOST/x", canonical: "HOST/x:latest", familiar: "HOST/x:latest"),
        .init(text: "a__b/c--d/e.f", canonical: "docker.io/a__b/c--d/e.f:latest", familiar: "a__b/c--d/e.f:latest"),
        .init(
            text: "x@sha256:\(hex)", canonical: "docker.io/library/x@sha256:\(hex)", familiar: "x@sha256:\(hex)"),
        .init(
            text: "x:1@sha256:\(hex)", canonical: "docker.io/library/x:1@sha256:\(hex)", familiar: "x:1@sha256:\(hex)"),
    ])
    func aNameHasACanonicalAndAFamiliarForm(_ the: ReferenceCase) throws {
        let reference = try Reference(the.text)
        #expect(reference.canonical == the.canonical)
        #expect(reference.familiar == the.familiar)
        #expect(try Reference(reference.canonical) == reference)
        #expect(try Reference(reference.familiar) == reference)
        #expect(try decodeJSON(Reference.self, from: encodeJSON(reference)) == reference)
    }

    @Test(arguments: [
        ("", "it is empty"),
        ("Bad Image", "a space"),
        ("Busybox", "\"Busybox\" must be lower case"),
        ("a/B", "\"B\" must be lower case"),
        ("a//b", "an empty part"),
        ("a/", "an empty part"),
        ("ghcr.io/", "the repository is missing"),
        ("a:", "\"\" is not a tag"),
        ("a:.x", "is not a tag"),
        ("a:\(String(repeating: "x", count: 129))", "longer than 128"),
        ("a@sha256:12", "is not a digest"),
        ("a@md5:\(hex)", "is not a digest"),
        ("-a", "is not a repository name"),
        ("a-", "is not a repository name"),
        ("a..b", "is not a repository name"),
        ("a___b", "is not a repository name"),
        ("a_-b", "is not a repository name"),
        ("é", "not ASCII"),
        (hex, "image ID"),
        ("host:port/x", "\"port\" is not a port"),
        ("host:0/x", "\"0\" is not a port"),
        ("host:70000/x", "is not a port"),
        ("-h.x/y", "is not a registry's host name"),
        ("a_b.c/y", "is not a registry's host name"),
        ("[::1/x", "is not closed"),
        ("[::1%eth0]/x", "is not an IPv6 address"),
        ("h.x/\(String(repeating: "a", count: 256))", "longer than 255"),
    ])
    func aTextThatIsNoReferenceIsRefusedWithItsReason(_ text: String, _ reason: String) {
        let error = #expect(throws: ReferenceError.self) { try Reference(text) }
        expectText(error, has: reason)
    }
}

@Suite struct NamedPlatformTests {
    @Test(
        "what a person calls a platform is one, or an error, never nothing",
        arguments: ["", "/", "a/", "linux//v7", "a/b/c/d"])
    func refused(text: String) {
        let error = #expect(throws: ImageError.self) { try Platform.named(text) }
        expectText(error, has: "\"\(text)\" is not a platform")
    }

    @Test(arguments: [("linux/amd64", "linux/amd64"), ("arm64", "linux/arm64"), ("linux/arm/v7", "linux/arm/v7")])
    func named(text: String, platform: String) throws { #expect(try Platform.named(text)?.text == platform) }

    @Test func nothing() throws { #expect(try Platform.named(nil) == nil) }
}
