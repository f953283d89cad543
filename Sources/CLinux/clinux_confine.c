#define _GNU_SOURCE
#include "clinux_confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "name this architecture's AUDIT_ARCH"
#endif

int berth_pivot_to_working_folder(void) {
    // The old root is now mounted over the new one, where it can be named without a folder for it.
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -1;
    return umount2(".", MNT_DETACH);
}

// Memory, time, its own end, and open descriptors. mmap and mprotect have rules of their own: no new code.
static const unsigned always[] = {
    SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_readv, SYS_writev, SYS_lseek, SYS_close, SYS_fstat, SYS_fcntl,
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_getrandom, SYS_clock_gettime, SYS_clock_getres,
    SYS_gettimeofday, SYS_sched_yield, SYS_sched_getaffinity, SYS_sysinfo, SYS_uname, SYS_getpid, SYS_gettid,
    SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_sigaltstack, SYS_restart_syscall, SYS_exit,
    SYS_exit_group,
};

static const unsigned open_files[] = {
    SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_readlinkat, SYS_getdents64, SYS_fgetxattr, SYS_flistxattr,
    SYS_faccessat, SYS_faccessat2, SYS_fadvise64, SYS_fstatfs, SYS_dup,
#ifdef SYS_open  // older forms of these calls, which newer architectures do not have
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink,
#endif
};

static const unsigned change_files[] = {
    SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_unlinkat, SYS_renameat2, SYS_fchown, SYS_fchownat, SYS_fchmod,
    SYS_fchmodat, SYS_utimensat, SYS_fsetxattr, SYS_fremovexattr, SYS_ftruncate, SYS_fallocate, SYS_umask,
};

#define COUNT(list) (sizeof list / sizeof list[0])
#define NEWER_THAN_THE_LIST 451  // the first call after Linux 5.17; newer numbers are the same on all architectures

struct rules {
    struct sock_filter steps[2 * (COUNT(always) + COUNT(open_files) + COUNT(change_files)) + 24];
    unsigned short count;
};

static void add(struct rules *rules, struct sock_filter step) { rules->steps[rules->count++] = step; }

static void decide(struct rules *rules, unsigned verdict) {
    add(rules, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void load(struct rules *rules, unsigned offset) {
    add(rules, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

// Skips the next `length` instructions if the comparison of the loaded number with `value` is true.
static void unless(struct rules *rules, unsigned comparison, unsigned value, unsigned char length) {
    add(rules, (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, value, 0, length));
}

static void allow(struct rules *rules, const unsigned *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unless(rules, BPF_JEQ, calls[i], 1);
        decide(rules, SECCOMP_RET_ALLOW);
    }
}

static void allow_without_code(struct rules *rules, unsigned call) {
    unless(rules, BPF_JEQ, call, 4);
    load(rules, offsetof(struct seccomp_data, args[2]));  // both architectures store the low half first
    unless(rules, BPF_JSET, PROT_EXEC, 1);
    decide(rules, SECCOMP_RET_KILL_PROCESS);
    decide(rules, SECCOMP_RET_ALLOW);
}

static int install_filter(unsigned calls) {
    struct rules rules = {.count = 0};
    // Calls of another architecture have other numbers, and so do those of x32, which are above 0x40000000.
    load(&rules, offsetof(struct seccomp_data, arch));
    add(&rules, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0));
    decide(&rules, SECCOMP_RET_KILL_PROCESS);
    load(&rules, offsetof(struct seccomp_data, nr));
    unless(&rules, BPF_JGE, 0x40000000, 1);
    decide(&rules, SECCOMP_RET_KILL_PROCESS);
    allow(&rules, always, COUNT(always));
    if (calls & BERTH_CALLS_OPEN_FILES) allow(&rules, open_files, COUNT(open_files));
    if (calls & BERTH_CALLS_CHANGE_FILES) allow(&rules, change_files, COUNT(change_files));
    allow_without_code(&rules, SYS_mmap);
    allow_without_code(&rules, SYS_mprotect);
    unless(&rules, BPF_JGE, NEWER_THAN_THE_LIST, 1);
    decide(&rules, SECCOMP_RET_ERRNO | ENOSYS);
    decide(&rules, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog filter = {.len = rules.count, .filter = rules.steps};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
}

int berth_confine(unsigned long address_space, unsigned long files, unsigned calls) {
    struct rlimit none = {0, 0};
    struct rlimit memory = {address_space, address_space};
    struct rlimit descriptors = {files, files};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_AS, &memory) < 0) return -1;
    if (setrlimit(RLIMIT_NOFILE, &descriptors) < 0) return -1;
    return install_filter(calls);
}
