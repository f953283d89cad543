import CLinux

/// The C library's heap, for programs that work in bursts and sleep for long.
package enum Heap {
    /// Gives what is free back to the kernel (malloc_trim(3)).
    package static func trim() { berth_trim_heap() }

    /// Lets threads share at most `count` heaps (mallopt(3), M_ARENA_MAX): each keeps what its busiest moment needed.
    package static func limit(to count: Int32) { berth_limit_heaps(count) }
}
