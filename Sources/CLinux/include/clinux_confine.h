// A process that reads hostile bytes: how to start it, and how it confines itself.
#ifndef CLINUX_CONFINE_H
#define CLINUX_CONFINE_H

#include <stddef.h>
#include <stdint.h>

// Like berth_posix_spawn, but in new namespaces (`namespaces` is CLONE_NEW* of clone(2)), and the process is killed
// when the calling thread ends. Returns 0 and the pid in *pid, or an errno value.
int berth_spawn_apart(int *pid, const char *path, char *const argv[], char *const envp[], const int *sources,
                      const int *targets, size_t count, uint64_t namespaces);

// Makes the working directory, which must be a mount point, the root of this mount namespace and detaches everything
// else (pivot_root(2)). Returns -1 with errno set on failure.
int berth_pivot_to_working_folder(void);

// Which calls a confined process may make, besides memory, time, its own end, and reading and writing open descriptors.
enum {
    BERTH_CALLS_OPEN_FILES = 1,    // open, look at and list files
    BERTH_CALLS_CHANGE_FILES = 2,  // create, describe and remove files
};

// Permanently: no new privileges, no core file, at most `address_space` bytes of memory and `files` descriptors; the
// kernel kills the process at every system call that is not in the list for `calls` (seccomp(2)). Calls newer than the
// list fail with ENOSYS, so a newer C library falls back. Returns -1 with errno set on failure.
int berth_confine(unsigned long address_space, unsigned long files, unsigned calls);

#endif
