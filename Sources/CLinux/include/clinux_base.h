// Namespaces, pidfds and descriptors.
#ifndef CLINUX_BASE_H
#define CLINUX_BASE_H

#include <stddef.h>
#include <stdint.h>

// clone(2), namespaces(7); the values are kernel ABI.
enum {
    BERTH_CLONE_NEWTIME = 0x00000080,
    BERTH_CLONE_NEWNS = 0x00020000,
    BERTH_CLONE_NEWCGROUP = 0x02000000,
    BERTH_CLONE_NEWUTS = 0x04000000,
    BERTH_CLONE_NEWIPC = 0x08000000,
    BERTH_CLONE_NEWUSER = 0x10000000,
    BERTH_CLONE_NEWPID = 0x20000000,
    BERTH_CLONE_NEWNET = 0x40000000,
};

// Numbers from sys/syscall.h that Swift does not see.
extern const int BERTH_SYS_RT_SIGTIMEDWAIT;

// Each returns the kernel's result, or -1 with errno set.
int berth_setns(int fd, int nstype);
int berth_unshare(int flags);
int berth_pidfd_open(int pid, unsigned flags);
int berth_pidfd_send_signal(int pidfd, int signal);
// A copy of another process's descriptor, close-on-exec (pidfd_getfd(2), Linux 5.6).
int berth_pidfd_getfd(int pidfd, int number);
int berth_close_range(unsigned first, unsigned last, unsigned flags);
int berth_pipe2(int fds[2], int flags);
int berth_memfd_create(const char *name, unsigned flags);
// malloc_trim(3) for the whole heap, and mallopt(3) M_ARENA_MAX.
void berth_trim_heap(void);
void berth_limit_heaps(int count);
// madvise(2) MADV_DONTNEED for the read-only segments of the program and its libraries, which the kernel loads again
// from the page cache when they are used.
void berth_drop_program_pages(void);
int berth_gettid(void);
int berth_tgkill(int tgid, int tid, int signal);

#endif
