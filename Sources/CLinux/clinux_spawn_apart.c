// Starts a program in new namespaces from a process with threads. The child shares the caller's memory until exec while
// the caller sleeps (CLONE_VM, CLONE_VFORK), as in posix_spawn(3), so nothing is copied.
#define _GNU_SOURCE
#include "clinux_base.h"
#include "clinux_confine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (64 << 10)

struct start {
    const char *path;
    char *const *argv, *const *envp;
    const int *sources, *targets;
    size_t count;
    int error;
};

static const uint64_t all_signals = ~0ull, no_signals = 0;

// The raw system call, because the C library hides two signals.
static int set_mask(const uint64_t *mask, uint64_t *before) {
    return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, before, sizeof *mask);
}

static void reset_signals(void) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action;
    memset(&action, 0, sizeof action);
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP) syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
}

static int arrange_descriptors(const struct start *start) {
    int last = -1;
    for (size_t i = 0; i < start->count; i++) {
        if (dup2(start->sources[i], start->targets[i]) < 0) return -1;
        if (start->targets[i] > last) last = start->targets[i];
    }
    for (int fd = 0; fd < last; fd++) {
        size_t i = 0;
        while (i < start->count && start->targets[i] != fd) i++;
        if (i == start->count) close(fd);
    }
    return berth_close_range((unsigned)(last + 1), ~0u, 0);
}

// Between clone and exec: only async-signal-safe calls. All signals are blocked until no handler of the caller is left.
static int child(void *argument) {
    struct start *start = argument;
    reset_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && setsid() >= 0 && arrange_descriptors(start) == 0 &&
        set_mask(&no_signals, NULL) == 0)
        execve(start->path, start->argv, start->envp);
    start->error = errno;
    _exit(127);
}

int berth_spawn_apart(int *pid, const char *path, char *const argv[], char *const envp[], const int *sources,
                      const int *targets, size_t count, uint64_t namespaces) {
    struct start start = {path, argv, envp, sources, targets, count, 0};
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return errno;
    uint64_t mask;
    set_mask(&all_signals, &mask);
    *pid = clone(child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD | (int)namespaces, &start);
    int error = *pid < 0 ? errno : start.error;
    set_mask(&mask, NULL);
    munmap(stack, STACK_SIZE);
    if (*pid > 0 && error) waitpid(*pid, NULL, 0);
    return error;
}
