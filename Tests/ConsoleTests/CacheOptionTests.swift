import Console
import Testing

private func shown(_ option: CacheOption) -> String {
    var words = ["\(option.kind)"]
    if option.isWhole { words.append("max") }
    if option.mayFail { words.append("may fail") }
    if let tag = option.tag { words.append("tag \(tag)") }
    if let digest = option.digest { words.append("digest \(digest)") }
    if !option.ignored.isEmpty { words.append("ignored \(option.ignored)") }
    return words.joined(separator: ", ")
}

@Test(
    "a cache is read as BuildKit's clients write it",
    arguments: [
        ("type=inline", .to, "inline"),
        ("app:cache", .from, "registry(\"app:cache\")"),
        ("host:5000/app", .to, "registry(\"host:5000/app\")"),
        ("type=registry,ref=host:5000/app:cache", .from, "registry(\"host:5000/app:cache\")"),
        ("type=registry,ref=a,mode=max,ignore-error=true", .to, "registry(\"a\"), max, may fail"),
        ("type=registry,ref=a,mode=min,compression=zstd,oci-mediatypes=true", .to, "registry(\"a\")"),
        ("type=local,src=cache,tag=main,digest=sha256:1", .from, "local(\"cache\"), tag main, digest sha256:1"),
        ("type=local,dest=/tmp/x,mode=max", .to, "local(\"/tmp/x\"), max"),
        ("type=gha,scope=main,mode=max", .to, "unsupported(\"gha\")"),
        ("type=s3,region=x", .from, "unsupported(\"s3\")"),
        ("type=local,src=a,colour=red", .from, "local(\"a\"), ignored [\"colour\"]"),
    ] as [(String, CacheOption.Direction, String)])
func cacheOptions(_ text: String, _ direction: CacheOption.Direction, _ expected: String) throws {
    #expect(shown(try CacheOption(text, direction)) == expected)
}

@Test(
    "a cache that cannot be meant is a mistake that says what to write",
    arguments: [
        ("", .from, "it is empty"), ("type=registry", .to, "it names no image"),
        ("type=local", .to, "it names no folder"),
        ("type=local,dest=x", .from, "it names no folder"),
        ("type=disk,dest=x", .to, "there is no cache of type 'disk'"),
        ("ref=a", .from, "there is no cache of type ''"), ("type=inline", .from, "a cache inside an image is named by"),
        ("type=local,dest=x,mode=all", .to, "the mode 'all' is neither min nor max"),
    ] as [(String, CacheOption.Direction, String)])
func cacheMistakes(_ text: String, _ direction: CacheOption.Direction, _ expected: String) {
    let failure = #expect(throws: UsageFailure.self) { try CacheOption(text, direction) }
    #expect(failure?.message.contains(expected) == true, "\(failure?.message ?? "")")
}

@Test(
    "an image in a folder is named by its path, and by a tag or a digest",
    arguments: [
        ("oci-layout://out", "out", nil, nil), ("oci-layout:///a/b:1.0", "/a/b", "1.0", nil),
        ("oci-layout:///a:b/c", "/a:b/c", nil, nil), ("oci-layout://./out@sha256:12", "./out", nil, "sha256:12"),
        ("oci-layout://out:x@sha256:12", "out", "x", "sha256:12"),
    ] as [(String, String, String?, String?)])
func layoutOptions(_ text: String, _ path: String, _ tag: String?, _ digest: String?) throws {
    let option = try #require(LayoutOption(text))
    #expect(option.path == path && option.tag == tag && option.digest == digest)
}

@Test("what names no layout is none", arguments: ["out", "oci-layout://", "oci-layout://a:", "oci-layout://a@"])
func noLayouts(_ text: String) { #expect(LayoutOption(text) == nil) }
