import CLinux

/// Controls the C library's heap, for programs that work in bursts and sleep for long.
package enum Heap {
    /// Returns free memory to the kernel (malloc_trim(3)).
    package static func trim() { berth_trim_heap() }

    /// Unmaps the used pages of the program and its libraries (madvise(2), MADV_DONTNEED). They stay in the page cache,
    /// and only those that are used again come back. So an idle process does not keep what only its start needed.
    package static func dropProgramPages() { berth_drop_program_pages() }

    /// Lets threads share at most `count` heaps (mallopt(3), M_ARENA_MAX), because each heap keeps the memory of its
    /// busiest moment.
    package static func limit(to count: Int32) { berth_limit_heaps(count) }
}
