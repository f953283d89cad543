// The child between clone and exec. Async-signal-safe calls only: no malloc, stdio, locks, getenv, exit or Swift.
#define _GNU_SOURCE
#include "clinux_walk.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void report(struct walk *walk, int step, int code) {
    walk->failure.kind = 0;
    walk->failure.step = step;
    walk->failure.code = code;
    // write instead of sendmsg, because an active seccomp filter is more likely to allow it.
    (void)!write(walk->program->sync, &walk->failure, sizeof walk->failure);
    _exit(127);
}

static int tell(const struct walk *walk, int index, const struct berth_step *step) {
    struct berth_message message;
    memset(&message, 0, sizeof message);
    message.kind = (int32_t)step->a;
    message.step = index;
    int descriptor = walk_register(walk, step->in);
    if (descriptor < 0) return write(walk->program->sync, &message, sizeof message) < 0 ? -1 : 0;
    return berth_send_descriptor(walk->program->sync, &message, sizeof message, descriptor) < 0 ? -1 : 0;
}

static int wait_for_parent(struct walk *walk) {
    char byte;
    ssize_t got;
    do got = read(walk->program->sync, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got < 0) return -1;
    if (got == 0) _exit(137);  // the parent is gone
    walk->word = byte;
    return 0;
}

static _Noreturn void child(const struct berth_program *program) {
    struct walk walk;
    memset(&walk.failure, 0, sizeof walk.failure);
    walk.program = program;
    walk.word = BERTH_WORD_GO;
    walk.own_count = 0;
    for (size_t i = 0; i < program->count; i++) {
        const struct berth_step *step = &program->steps[i];
        int result;
        if (step->operation == BERTH_TELL) {
            result = tell(&walk, (int)i, step);
        } else if (step->operation == BERTH_WAIT) {
            result = wait_for_parent(&walk);
        } else {
            result = walk_filesystem_step(&walk, step);
            if (result == 1) result = walk_process_step(&walk, step);
        }
        if (result < 0) report(&walk, (int)i, errno);
    }
    report(&walk, (int)program->count, ENOEXEC);
}

int berth_launch(const struct berth_program *program, uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) child(program);
    return (int)pid;
}

long berth_receive(int socket, struct berth_message *message, int *descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = message, .iov_len = sizeof *message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor = -1;
    long got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    // If a child ended before it read everything, one call returns this error before the child's last message.
    if (got < 0 && errno == ECONNRESET) got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    if (got < 0) return got;
    struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(first), sizeof *descriptor);
    return got;
}

long berth_send_descriptor(int socket, const void *bytes, size_t length, int descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(first), &descriptor, sizeof descriptor);
    return sendmsg(socket, &header, MSG_NOSIGNAL);
}
