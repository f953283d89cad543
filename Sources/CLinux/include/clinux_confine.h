// A process that reads hostile bytes: how it is started, and how it locks itself in.
#ifndef CLINUX_CONFINE_H
#define CLINUX_CONFINE_H

#include <stddef.h>
#include <stdint.h>

// What berth_posix_spawn does, in new namespaces (`namespaces` is CLONE_NEW* of clone(2)), and the process is killed when
// the calling thread ends. Returns 0 and the pid in *pid, or an errno value.
int berth_spawn_apart(int *pid, const char *path, char *const argv[], char *const envp[], const int *sources,
                      const int *targets, size_t count, uint64_t namespaces);

// Makes the working folder, which must be a mount point, the root of this mount namespace and detaches all else
// (pivot_root(2)). Returns -1 with errno set on failure.
int berth_pivot_to_working_folder(void);

// What a confined process may call beyond memory, time, its own end, and reading and writing what it has open.
enum {
    BERTH_CALLS_OPEN_FILES = 1,    // open, look at and list files
    BERTH_CALLS_CHANGE_FILES = 2,  // make, describe and remove files
};

// For good: no new privileges, no core file, at most `address_space` bytes of memory and `files` descriptors, and killed at
// once by every system call that is not on the list of `calls` (seccomp(2)). Calls newer than the list do not exist (ENOSYS),
// so a newer C library falls back. Returns -1 with errno set on failure.
int berth_confine(unsigned long address_space, unsigned long files, unsigned calls);

#endif
