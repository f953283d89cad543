// The first process of a container with `init: true`: starts the command, forwards signals to it, reaps every process
// that ends, and exits with the command's status. It is small, so that it costs a container little.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Signals for the program's own faults must not be waited for (signal(7)).
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

static void block_signals(sigset_t *waited, sigset_t *before) {
    sigfillset(waited);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(waited, faults[i]);
    sigprocmask(SIG_SETMASK, waited, before);
}

static _Noreturn void run(char **command, const sigset_t *mask) {
    // A process group of its own in the foreground, so that the terminal's keys go to the command. SIGTTOU, which this
    // would send to a background group, is still blocked.
    setpgid(0, 0);
    if (isatty(STDIN_FILENO)) tcsetpgrp(STDIN_FILENO, getpgrp());
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    int code = errno;
    fprintf(stderr, "init: exec \"%s\": %s\n", command[0], strerror(code));
    _exit(code == ENOENT ? 127 : 126);  // as a shell tells it
}

// Reaps ended processes. Returns 1, and the command's status, if the command is among them.
static int collect(pid_t command, int *status) {
    int found = 0, each;
    pid_t ended;
    while ((ended = waitpid(-1, &each, WNOHANG)) > 0) {
        if (ended != command) continue;
        *status = each;
        found = 1;
    }
    return found;
}

static const char usage[] =
    "usage: berth-init [--] COMMAND [ARGUMENT...]\n\n"
    "Starts COMMAND, forwards signals to it, reaps every process that ends, and exits with COMMAND's status.\n";

int main(int count, char **arguments) {
    char **command = arguments + 1;
    const char *option = count > 1 && command[0][0] == '-' ? command[0] : "";
    if (!strcmp(option, "--help") || !strcmp(option, "-h")) return fputs(usage, stdout) < 0;
    if (!strcmp(option, "--version")) return fputs("berth-init version 0.1.0\n", stdout) < 0;
    if (!strcmp(option, "--")) {
        command++;
    } else if (*option) {
        fprintf(stderr, "init: there is no option %s\n%s", option, usage);
        return 2;
    }
    if (!command[0]) {
        fputs(usage, stderr);
        return 2;
    }
    sigset_t waited, before;
    block_signals(&waited, &before);
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "init: fork: %s\n", strerror(errno));
        return 1;
    }
    if (child == 0) run(command, &before);
    int status = 0;
    while (1) {
        int number = sigwaitinfo(&waited, NULL);
        if (number < 0) continue;  // EINTR: stopped and continued
        if (number != SIGCHLD) kill(child, number);
        else if (collect(child, &status)) break;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
