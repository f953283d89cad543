#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>

static int prepare(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, const char *cwd,
                   const int *sources, const int *targets, size_t count) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int last = 2, error = 0;
    if ((error = posix_spawnattr_setsigdefault(attributes, &all))) return error;
    if ((error = posix_spawnattr_setsigmask(attributes, &none))) return error;
    error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (error) return error;
    for (size_t i = 0; i < count; i++) {
        if ((error = posix_spawn_file_actions_adddup2(actions, sources[i], targets[i]))) return error;
        if (targets[i] > last) last = targets[i];
    }
    // Other descriptors may be between the targets. It is no error to close one that is not open.
    for (int fd = 0; fd < last; fd++) {
        size_t i = 0;
        while (i < count && targets[i] != fd) i++;
        if (i == count && (error = posix_spawn_file_actions_addclose(actions, fd))) return error;
    }
    if ((error = posix_spawn_file_actions_addclosefrom_np(actions, last + 1))) return error;
    return cwd ? posix_spawn_file_actions_addchdir_np(actions, cwd) : 0;
}

int berth_posix_spawn(int *pid, const char *path, char *const argv[], char *const envp[], const char *cwd,
                      const int *sources, const int *targets, size_t count) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int error = posix_spawnattr_init(&attributes);
    if (error) return error;
    if ((error = posix_spawn_file_actions_init(&actions)) == 0) {
        error = prepare(&attributes, &actions, cwd, sources, targets, count);
        if (!error) error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}
