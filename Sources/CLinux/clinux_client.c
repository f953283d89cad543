#define _GNU_SOURCE
#include "clinux_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

_Static_assert(sizeof(sigset_t) <= 128, "a signal mask fits the caller's buffer");

int berth_signals_open(const int *signals, int count, void *before)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, before) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int berth_signals_next(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void berth_signals_restore(const void *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}

void berth_ignore_closed_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

int berth_spawn_detached(const char *path, char *const argv[], char *const envp[], int output, int ready)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t pid;
    int code;
    if ((code = posix_spawn_file_actions_init(&actions)) != 0)
        goto failed;
    if ((code = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        goto failed;
    }
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if ((code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (code = posix_spawn_file_actions_adddup2(&actions, output, 1)) == 0 &&
        (code = posix_spawn_file_actions_adddup2(&actions, output, 2)) == 0 &&
        (code = posix_spawn_file_actions_adddup2(&actions, ready, 3)) == 0 &&
        (code = posix_spawn_file_actions_addclosefrom_np(&actions, 4)) == 0 &&
        (code = posix_spawn_file_actions_addchdir_np(&actions, "/")) == 0)
        code = posix_spawn(&pid, path, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (code == 0)
        return pid;
failed:
    errno = code;
    return -1;
}

int berth_fork_beside(void)
{
    sigset_t none;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
        _exit(130);
    return 0;
}
