import BuildContext
import Glibc
import Testing

@Suite struct ContextFolderTests {
    @Test(
        "a file that may change again without telling by its time is not known by it",
        arguments: [
            ((100, 0), (100, 0), false), ((100, 0), (100, 9_000_000), false), ((100, 0), (100, 11_000_000), true),
            ((99, 995_000_000), (100, 0), false), ((99, 985_000_000), (100, 0), true), ((90, 0), (100, 0), true),
            ((101, 0), (100, 0), false),
        ] as [((Int, Int), (Int, Int), Bool)])
    func settled(_ changed: (Int, Int), _ now: (Int, Int), _ isSettled: Bool) {
        #expect(
            ContextFolder.isSettled(
                timespec(tv_sec: changed.0, tv_nsec: changed.1), at: timespec(tv_sec: now.0, tv_nsec: now.1))
                == isSettled)
    }
}
