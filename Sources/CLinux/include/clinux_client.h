// For the command line: signals as a descriptor, and starting a detached program.
#ifndef CLINUX_CLIENT_H
#define CLINUX_CLIENT_H

#include <stdint.h>

// Blocks `signals` and returns a non-blocking descriptor that reports them (signalfd(2)); `before` (128 bytes) keeps the mask.
int berth_signals_open(const int *signals, int count, void *before);
// The next signal's number; 0 when none is pending.
int berth_signals_next(int fd);
void berth_signals_restore(const void *before);
void berth_ignore_closed_pipes(void);

// posix_spawn(3) with a session of its own, the folder /, an empty mask, default signals, stdin from /dev/null, stdout
// and stderr to `output`, descriptor 3 = `ready`, and nothing else open. Returns the pid, or -1 with errno set.
int berth_spawn_detached(const char *path, char *const argv[], char *const envp[], int output, int ready);

// fork(2) for concurrent work; the caller must have one thread. The child gets SIGTERM when the caller ends, and blocks
// no signals. Returns like fork.
int berth_fork_beside(void);

#endif
