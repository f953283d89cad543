#define _GNU_SOURCE
#include "clinux_base.h"

#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const int BERTH_SYS_RT_SIGTIMEDWAIT = SYS_rt_sigtimedwait;

int berth_setns(int fd, int nstype) { return setns(fd, nstype); }
int berth_unshare(int flags) { return unshare(flags); }
int berth_pidfd_open(int pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
int berth_pidfd_getfd(int pidfd, int number) { return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0); }
int berth_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
int berth_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
int berth_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }
int berth_memfd_create(const char *name, unsigned flags) { return memfd_create(name, flags); }
void berth_trim_heap(void) { malloc_trim(0); }

// Only read-only segments: writable ones contain the results of relocation and must not be dropped.
static int drop_segments(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    if (info->dlpi_addr == getauxval(AT_SYSINFO_EHDR)) return 0;  // the kernel's own pages
    unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        unsigned long start = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        unsigned long end = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}
void berth_drop_program_pages(void) { dl_iterate_phdr(drop_segments, NULL); }
void berth_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }
int berth_gettid(void) { return (int)syscall(SYS_gettid); }
int berth_tgkill(int tgid, int tid, int signal) { return (int)syscall(SYS_tgkill, tgid, tid, signal); }
