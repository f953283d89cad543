#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int berth_block_signals(uint64_t mask) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal <= 64; signal++)
        if (mask >> (signal - 1) & 1) sigaddset(&set, signal);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int berth_read_signal(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
