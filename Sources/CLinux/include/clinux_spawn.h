// Creating processes: posix_spawn for programs of our own, and the steps that run between clone and exec.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stddef.h>
#include <stdint.h>

// Starts `path` in a new session with default signal dispositions and an empty mask. Descriptor `targets[i]` of the new
// process is `sources[i]` of this one; every source must be above every target, and all others are closed. `cwd` may be NULL.
// Returns 0 and the pid in *pid, or an errno value.
int berth_posix_spawn(int *pid, const char *path, char *const argv[], char *const envp[], const char *cwd,
                      const int *sources, const int *targets, size_t count);

#endif
