// Creates a process in another container's pid namespace so that it is never visible there before it is the final
// program.
//
// A child outside of the namespace does everything else first: other namespaces, root, privileges, filter. Then it
// executes its program while held by ptrace(2), and before the program's first instruction it is made to fork into the
// namespace. The new process is the program at its start, with nothing of ours in its memory, descriptors or
// privileges. Nobody else can attach to it before it is released, because a process has at most one tracer.
#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>

#if defined(__x86_64__)

#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_OF(status) ((unsigned)(status) >> 16)
// Since Linux 4.3: suspends the tracee's filter while it is held, so that a filter without clone(2) does no harm.
#define SUSPEND_SECCOMP (1 << 21)
#define RESET_ON_FORK 1
#define DEADLINE 6

// sched_setattr(2); C libraries declare it in different places.
struct policy {
    uint32_t size, kind;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int berth_trace(int pid) {
    // If the tracer ends, the kernel kills the tracee: a half-prepared process must never run.
    unsigned long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
    if (ptrace(PTRACE_SEIZE, pid, NULL, options | SUSPEND_SECCOMP) == 0) return 0;
    return ptrace(PTRACE_SEIZE, pid, NULL, options) < 0 ? -1 : 0;
}

// Waits for a stop: returns 1 with its status in *status, or 0 when the process has ended; the caller must reap it
// then.
static int wait_for_change(int pid, int *status) {
    siginfo_t info;
    do {
        memset(&info, 0, sizeof info);
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) == 0) break;
        if (errno != EINTR) return -1;
    } while (1);
    if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) return 0;
    return waitpid(pid, status, __WALL) < 0 ? -1 : 1;
}

// 1 when it has stopped at its exec, 0 when it has ended.
static int wait_for_exec(int pid) {
    for (;;) {
        int status, stands = wait_for_change(pid, &status);
        if (stands <= 0 || EVENT_OF(status) == PTRACE_EVENT_EXEC) return stands;
        // Pass on every other signal on the way, as if there were no tracer.
        long signal = EVENT_OF(status) ? 0 : WSTOPSIG(status);
        if (ptrace(PTRACE_CONT, pid, NULL, signal) < 0 && errno != ESRCH) return -1;
    }
}

// Waits for the next stop; -1 and ESRCH at the end. Records a signal that is about to be delivered in *missed.
static int wait_for_stop(int pid, int *status, uint64_t *missed) {
    int stands = wait_for_change(pid, status);
    if (stands <= 0) return errno = stands ? errno : ESRCH, -1;
    int signal = WSTOPSIG(*status);
    if (!EVENT_OF(*status) && signal != (SIGTRAP | 0x80) && signal >= 1 && signal <= 64) *missed |= 1ull << (signal - 1);
    return 0;
}

// Continues it with PTRACE_SYSCALL or PTRACE_SINGLESTEP until the next such stop.
static int go_on(int pid, enum __ptrace_request how, uint64_t *missed) {
    int status, trap = how == PTRACE_SYSCALL ? SIGTRAP | 0x80 : SIGTRAP;
    do {
        if (ptrace(how, pid, NULL, 0) < 0 || wait_for_stop(pid, &status, missed) < 0) return -1;
    } while (EVENT_OF(status) || WSTOPSIG(status) != trap);
    return 0;
}

// An instruction in the kernel's own page (vDSO) that enters the kernel: `syscall`, or `int $0x80` for a 32-bit
// program.
struct entrance {
    unsigned long address;
    int is_narrow;
};

static unsigned long kernel_page(int pid, int is_narrow) {
    char path[32] = "/proc/";
    char digits[12];
    int count = 0, length = 6;
    for (int rest = pid; rest; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count) path[length++] = digits[--count];
    memcpy(path + length, "/auxv", 6);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    union {
        Elf64_auxv_t wide[64];
        Elf32_auxv_t narrow[128];
    } vector;
    ssize_t got = read(fd, &vector, sizeof vector);
    close(fd);
    if (is_narrow) {
        for (size_t i = 0; (ssize_t)((i + 1) * sizeof *vector.narrow) <= got; i++)
            if (vector.narrow[i].a_type == AT_SYSINFO_EHDR) return vector.narrow[i].a_un.a_val;
    } else {
        for (size_t i = 0; (ssize_t)((i + 1) * sizeof *vector.wide) <= got; i++)
            if (vector.wide[i].a_type == AT_SYSINFO_EHDR) return vector.wide[i].a_un.a_val;
    }
    return 0;
}

static int find_entrance(int pid, const struct user_regs_struct *registers, struct entrance *found) {
    found->is_narrow = registers->cs == 0x23;
    unsigned char code[2] = {0x0f, 0x05}, bytes[8192];
    if (found->is_narrow) code[0] = 0xcd, code[1] = 0x80;
    unsigned long page = kernel_page(pid, found->is_narrow);
    if (!page) return errno = ENOEXEC, -1;
    // The vDSO may end within the second page.
    ssize_t got = -1;
    for (size_t size = sizeof bytes; size >= 4096 && got < 0; size /= 2) {
        struct iovec local = {bytes, size}, remote = {(void *)page, size};
        got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    }
    for (ssize_t i = 0; i + 1 < got; i++)
        if (bytes[i] == code[0] && bytes[i + 1] == code[1]) return found->address = page + (unsigned long)i, 0;
    return errno = ENOEXEC, -1;
}

// Makes `pid` execute one system call, starting from `registers`. Returns its result, or -1 and errno.
static long let_call(int pid, const struct user_regs_struct *registers, const struct entrance *entrance, int wide,
                     int narrow, unsigned long first, unsigned long second, uint64_t *missed) {
    struct user_regs_struct changed = *registers;
    changed.rip = entrance->address;
    changed.orig_rax = (unsigned long)-1;
    changed.rax = (unsigned long)(entrance->is_narrow ? narrow : wide);
    changed.rdi = first, changed.rbx = first;
    changed.rsi = second, changed.rcx = second;
    changed.rdx = 0, changed.r10 = 0;
    // The fourth and fifth argument of clone(2) for a 32-bit program.
    if (entrance->is_narrow) changed.rsi = 0, changed.rdi = 0;
    if (ptrace(PTRACE_SETREGS, pid, NULL, &changed) < 0) return -1;
    if (go_on(pid, PTRACE_SINGLESTEP, missed) < 0) return -1;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &changed) < 0) return -1;
    long result = entrance->is_narrow ? (int)changed.rax : (long)changed.rax;
    if (result < 0 && result > -4096) return errno = (int)-result, -1;
    return result;
}

// A policy that a fork resets, or that forbids forking, is meant for the final process, not for its creator. Returns 1
// and stores it in *kept.
static int set_policy_aside(int pid, struct policy *kept) {
    struct policy plain = {.size = sizeof plain};
    if (syscall(SYS_sched_getattr, pid, kept, sizeof *kept, 0) < 0) return 0;
    if (kept->kind != DEADLINE && !(kept->flags & RESET_ON_FORK)) return 0;
    return syscall(SYS_sched_setattr, pid, &plain, 0) == 0;
}

// setrlimit(2), executed by the process itself, because changing another process's limits needs CAP_SYS_RESOURCE. Its
// argument is stored below the process's stack meanwhile.
static int limit_processes(int pid, const struct user_regs_struct *beginning, const struct entrance *entrance,
                           const uint64_t *limit, uint64_t *missed) {
    struct user_regs_struct below = *beginning;
    unsigned long place = (below.rsp - 256) & ~15ul;
    uint32_t narrow[2];
    for (int i = 0; i < 2; i++) narrow[i] = limit[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)limit[i];
    size_t size = entrance->is_narrow ? sizeof narrow : 2 * sizeof *limit;
    struct iovec local = {entrance->is_narrow ? (void *)narrow : (void *)limit, size}, remote = {(void *)place, size};
    if (process_vm_writev(pid, &local, 1, &remote, 1, 0) != (ssize_t)size) return -1;
    return let_call(pid, &below, entrance, SYS_setrlimit, 75, RLIMIT_NPROC, place, missed) < 0 ? -1 : 0;
}

static void end(int pid) {
    int code = errno;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {}
    errno = code;
}

// The last calls that the new process itself executes; then the program begins.
static int let_go(int pid, const struct user_regs_struct *beginning, const struct entrance *entrance, int terminal,
                  const uint64_t *processes, struct policy *policy) {
    uint64_t missed = 0;
    int status;
    if (wait_for_stop(pid, &status, &missed) < 0) return -1;
    if (policy && syscall(SYS_sched_setattr, pid, policy, 0) < 0) return -1;
    if (processes && limit_processes(pid, beginning, entrance, processes, &missed) < 0) return -1;
    if (let_call(pid, beginning, entrance, SYS_setsid, 66, 0, 0, &missed) < 0) return -1;
    if (terminal && let_call(pid, beginning, entrance, SYS_ioctl, 54, 0, TIOCSCTTY, &missed) < 0) return -1;
    if (ptrace(PTRACE_SETREGS, pid, NULL, beginning) < 0 || ptrace(PTRACE_DETACH, pid, NULL, 0) < 0) return -1;
    for (int signal = 1; signal <= 64; signal++)
        if (missed >> (signal - 1) & 1 && signal != SIGTRAP) kill(pid, signal);
    return 0;
}

int berth_birth(int pid, int terminal, const uint64_t *processes) {
    int stands = wait_for_exec(pid);
    if (stands <= 0) return stands;
    uint64_t missed = 0;
    struct user_regs_struct beginning;
    struct entrance entrance;
    struct policy policy;
    int has_policy = 0;
    long born = -1;
    // Continue to the end of execve, where the registers are those at the program's start.
    if (go_on(pid, PTRACE_SYSCALL, &missed) == 0 && ptrace(PTRACE_GETREGS, pid, NULL, &beginning) == 0 &&
        find_entrance(pid, &beginning, &entrance) == 0) {
        has_policy = set_policy_aside(pid, &policy);
        born = let_call(pid, &beginning, &entrance, SYS_clone, 120, CLONE_PARENT | CLONE_PTRACE, 0, &missed);
    }
    beginning.orig_rax = (unsigned long)-1;  // do not restart any call
    if (born > 0 && let_go((int)born, &beginning, &entrance, terminal, processes, has_policy ? &policy : NULL) < 0) {
        // If the namespace has ended meanwhile, the process was killed; that is an end like any other.
        if (errno != ESRCH) end((int)born), born = -1;
    }
    end(pid);
    return (int)born;
}

#else

// Not tested on other architectures; there the child forks itself before its exec.
int berth_trace(int pid) { return (void)pid, errno = ENOSYS, -1; }
int berth_birth(int pid, int terminal, const uint64_t *processes) {
    return (void)pid, (void)terminal, (void)processes, errno = ENOSYS, -1;
}

#endif
