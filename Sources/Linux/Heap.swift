import CLinux

/// The C library's heap, for programs that work in bursts and sleep for long.
package enum Heap {
    /// Gives what is free back to the kernel (malloc_trim(3)).
    package static func trim() { berth_trim_heap() }

    /// Unmaps the pages of program and libraries that were touched so far (madvise(2), MADV_DONTNEED): they stay in the page cache, and
    /// only what is used again comes back. A process that mostly rests then holds what resting needs, and not what starting did.
    package static func dropProgramPages() { berth_drop_program_pages() }

    /// Lets threads share at most `count` heaps (mallopt(3), M_ARENA_MAX): each keeps what its busiest moment needed.
    package static func limit(to count: Int32) { berth_limit_heaps(count) }
}
