#define _GNU_SOURCE
#include "clinux_base.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const int BERTH_SYS_RT_SIGTIMEDWAIT = SYS_rt_sigtimedwait;

int berth_setns(int fd, int nstype) { return setns(fd, nstype); }
int berth_unshare(int flags) { return unshare(flags); }
int berth_pidfd_open(int pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
int berth_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
int berth_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
int berth_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }
int berth_memfd_create(const char *name, unsigned flags) { return memfd_create(name, flags); }
void berth_trim_heap(void) { malloc_trim(0); }
void berth_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }
int berth_gettid(void) { return (int)syscall(SYS_gettid); }
int berth_tgkill(int tgid, int tid, int signal) { return (int)syscall(SYS_tgkill, tgid, tid, signal); }
