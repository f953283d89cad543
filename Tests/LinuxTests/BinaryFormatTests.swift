import Linux
import Testing

/// As Debian's qemu-user-static makes it known.
private func handler(_ magic: String, flags: String = "POCF", state: String = "enabled") -> String {
    """
    \(state)
    interpreter /usr/libexec/qemu-binfmt/arm64-binfmt-P
    flags: \(flags)
    offset 0
    magic \(magic)
    mask ffffffffffffff00fffffffffffffffffeffffff

    """
}

private let arm64 = "7f454c460201010000000000000000000200b700"

@Suite struct BinaryFormatTests {
    @Test(
        "a handler takes programs of its processor alone",
        arguments: [
            (arm64, "arm64", true), (arm64, "amd64", false), (arm64, "riscv64", false),
            ("7f454c4601010100000000000000000002002800", "arm", true),
            ("7f454c4601010100000000000000000002002800", "arm64", false),
            ("7f454c4602020100000000000000000000020016", "s390x", true),
            ("7f454c460201010000000000000000000200f300", "riscv64", true),
        ])
    func takes(_ magic: String, _ architecture: String, _ expected: Bool) throws {
        let format = try #require(BinaryFormat(handler(magic)))
        let beginning = try #require(BinaryFormat.programBeginning(for: architecture))
        #expect(format.takes(beginning) == expected && format.isFixed)
    }

    @Test(
        "a handler that is off, broken, or for names is none",
        arguments: [
            handler(arm64, state: "disabled"), handler("7f4"), handler("xy"), "", "enabled\nextension .py\n",
        ])
    func none(_ text: String) { #expect(BinaryFormat(text) == nil) }

    @Test("without F the interpreter has to be in the image")
    func flags() throws { #expect(try #require(BinaryFormat(handler(arm64, flags: "P"))).isFixed == false) }

    @Test("a processor that nobody knows has no programs")
    func unknown() { #expect(BinaryFormat.programBeginning(for: "z80") == nil) }
}
