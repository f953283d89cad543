// Steps that set up the process itself: identity, privileges, limits, and exec at the end.
#define _GNU_SOURCE
#include "clinux_base.h"
#include "clinux_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

// Until exec nobody in the container may inspect this process, because it is still a copy of the monitor. Each change
// of identity resets this to fs.suid_dumpable (proc(5)).
static int forbid_looking_in(void) { return prctl(PR_SET_DUMPABLE, 0); }

static int reset_inherited(void) {
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action;
    memset(&action, 0, sizeof action);
    // The raw system call: the C library hides two signals, which a parent may have left ignored.
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP) syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
    uint64_t none = 0;
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8) < 0) return -1;
    umask(0);
    if (prctl(PR_SET_PDEATHSIG, 0) < 0) return -1;
    if (forbid_looking_in() < 0) return -1;
    return berth_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

static int set_user(const struct berth_step *step) {
    if (prctl(PR_SET_KEEPCAPS, 1) < 0) return -1;
    if (syscall(SYS_setresgid, (gid_t)step->b, (gid_t)step->b, (gid_t)step->b) < 0) return -1;
    if (syscall(SYS_setresuid, (uid_t)step->a, (uid_t)step->a, (uid_t)step->a) < 0) return -1;
    return forbid_looking_in() < 0 ? -1 : prctl(PR_SET_KEEPCAPS, 0);
}

static int drop_bounding(uint64_t kept, uint64_t count) {
    for (uint64_t capability = 0; capability < count; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -1;
    return 0;
}

static int set_capabilities(const struct berth_step *step) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++) {
        data[half].effective = (uint32_t)(step->a >> (32 * half));
        data[half].permitted = (uint32_t)(step->b >> (32 * half));
        data[half].inheritable = (uint32_t)(step->c >> (32 * half));
    }
    return syscall(SYS_capset, &header, data) < 0 ? -1 : forbid_looking_in();
}

static int raise_ambient(uint64_t wanted) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -1;
    for (int capability = 0; capability < 64; capability++)
        if (wanted >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) return -1;
    return 0;
}

static int install_filter(const struct walk *walk, const struct berth_step *step) {
    struct sock_fprog program = {.len = (unsigned short)step->a, .filter = (struct sock_filter *)step->data};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, step->b, &program);
    if (result < 0) return -1;
    return step->b & SECCOMP_FILTER_FLAG_NEW_LISTENER ? walk_set(walk, step->out, (int)result) : 0;
}

static int make_folders(const char *path) {
    char prefix[4096];
    if (strlen(path) >= sizeof prefix) return errno = ENAMETOOLONG, -1;
    for (size_t at = 1;; at++) {
        if (path[at] && path[at] != '/') continue;
        memcpy(prefix, path, at);
        prefix[at] = 0;
        if (mkdir(prefix, 0755) < 0 && errno != EEXIST) return -1;
        if (!path[at]) return 0;
    }
}

static int change_folder(const struct berth_step *step) {
    int result = chdir(step->text);
    if (result < 0 && errno == ENOENT && step->a) {
        if (make_folders(step->text) < 0) return -1;
        result = chdir(step->text);
    }
    if (result < 0) return -1;
    char path[4096];
    long length = syscall(SYS_getcwd, path, sizeof path);
    if (length < 0) return -1;
    // "(unreachable)": a folder outside of this root, reached through an open descriptor.
    return path[0] == '/' ? 0 : (errno = EXDEV, -1);
}

// The home of `uid` in the container's own /etc/passwd, of which only the first MiB is read; "/" without an entry.
static int find_home(const struct berth_step *step) {
    char *out = (char *)step->data, line[1024], chunk[1024];
    size_t used = 0, total = 0, capacity = step->a;
    strcpy(out, "HOME=/");
    int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    if (fd < 0) return 0;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) return close(fd), 0;
    ssize_t got;
    while (total < 1 << 20 && (got = read(fd, chunk, sizeof chunk)) > 0) {
        total += (size_t)got;
        for (ssize_t i = 0; i < got; i++) {
            if (chunk[i] != '\n') {
                if (used < sizeof line - 1) line[used++] = chunk[i];
                continue;
            }
            line[used] = 0;
            used = 0;
            char *fields[7];
            int count = 0;
            for (char *at = line; at && count < 7; count++) {
                fields[count] = at;
                at = strchr(at, ':');
                if (at) *at++ = 0;
            }
            uint64_t uid = 0;
            if (count < 6 || !fields[2][0]) continue;
            for (char *digit = fields[2]; *digit; digit++)
                uid = *digit >= '0' && *digit <= '9' && uid < 1ull << 40 ? uid * 10 + (uint64_t)(*digit - '0') : 1ull << 41;
            if (uid != step->b || fields[5][0] != '/' || strlen(fields[5]) + 6 > capacity) continue;
            strcpy(out + 5, fields[5]);
            return close(fd), 0;
        }
    }
    return close(fd), 0;
}

// Creates the process that continues from here: in the pid namespace entered before, and a child of the parent like
// this one. a: 1 when descriptor 0 becomes its terminal; data: the two numbers of its RLIMIT_NPROC, which would prevent
// this process from forking, or NULL.
static int birth(const struct walk *walk, const struct berth_step *step) {
    if (walk->word == BERTH_WORD_TRACED) return 0;  // the parent does it once this one is the program
    long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID, NULL, walk->program->born, NULL, NULL);
    if (pid < 0) return -1;
    if (pid > 0) _exit(0);
    if (setsid() < 0) return -1;
    const uint64_t *processes = step->data;
    struct rlimit limit = {.rlim_cur = processes ? processes[0] : 0, .rlim_max = processes ? processes[1] : 0};
    if (processes && setrlimit(RLIMIT_NPROC, &limit) < 0) return -1;
    return step->a ? ioctl(0, TIOCSCTTY, 0) : 0;
}

static int execute(struct walk *walk, const struct berth_step *step) {
    const char *const *candidates = (const char *const *)(uintptr_t)step->a;
    int code = ENOENT;
    for (; *candidates; candidates++) {
        execve(*candidates, (char *const *)step->data, (char *const *)step->data2);
        int error = errno;
        if (error == ENOTDIR) error = ENOENT;
        if (error == ENOENT && faccessat(AT_FDCWD, *candidates, F_OK, 0) < 0) continue;
        walk->failure.detail = error == ENOENT;
        strncpy(walk->failure.text, *candidates, sizeof walk->failure.text - 1);
        code = error;
        if (error != EACCES) break;  // EACCES: a later folder in PATH may have a usable one (execvp(3))
    }
    errno = code;
    return -1;
}

int walk_process_step(struct walk *walk, const struct berth_step *step) {
    switch (step->operation) {
    case BERTH_RESET_INHERITED: return reset_inherited();
    case BERTH_SETSID: return setsid() < 0 ? -1 : 0;
    case BERTH_SETNS: return berth_setns(walk_register(walk, step->in), (int)step->a) < 0 ? -1 : forbid_looking_in();
    case BERTH_UNSHARE: return berth_unshare((int)step->a);
    case BERTH_BIRTH: return birth(walk, step);
    case BERTH_HOSTNAME: return sethostname(step->text, strlen(step->text));
    case BERTH_DOMAINNAME: return setdomainname(step->text, strlen(step->text));
    case BERTH_RLIMIT: {
        struct rlimit limit = {.rlim_cur = step->b, .rlim_max = step->c};
        return setrlimit((__rlimit_resource_t)step->a, &limit);
    }
    case BERTH_KEYRING:
        // A kernel without keys is no reason to fail: then there are no keys to see.
        return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, step->text) < 0 && errno != ENOSYS ? -1 : 0;
    case BERTH_PERSONALITY: return personality((unsigned long)step->a) < 0 ? -1 : 0;
    case BERTH_SCHEDULER: return (int)syscall(SYS_sched_setattr, 0, step->data, 0);
    case BERTH_IO_PRIORITY: return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, step->a);
    case BERTH_CPU_AFFINITY: return (int)syscall(SYS_sched_setaffinity, 0, step->a, step->data);
    // The kernel takes the number of bits as one more than it reads (set_mempolicy(2), BUGS).
    case BERTH_MEMORY_POLICY: return (int)syscall(SYS_set_mempolicy, step->a, step->data, step->b ? step->b + 1 : 0);
    case BERTH_DUP: {
        int fd = walk_register(walk, step->in);
        if (fd == (int)step->a) return fcntl(fd, F_SETFD, 0);
        return dup2(fd, (int)step->a) < 0 ? -1 : 0;
    }
    case BERTH_CONTROLLING_TTY: return ioctl(0, TIOCSCTTY, 0);
    case BERTH_HOME: return find_home(step);
    case BERTH_CHDIR: return change_folder(step);
    case BERTH_GROUPS: return (int)syscall(SYS_setgroups, step->a, step->data);
    case BERTH_USER: return set_user(step);
    case BERTH_BOUNDING: return drop_bounding(step->a, step->b);
    case BERTH_CAPABILITIES: return set_capabilities(step);
    case BERTH_AMBIENT: return raise_ambient(step->a);
    case BERTH_NO_NEW_PRIVILEGES: return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    case BERTH_SECCOMP: return install_filter(walk, step);
    case BERTH_UMASK: return umask((mode_t)step->a), 0;
    case BERTH_CLOSE_OTHERS: {
        unsigned first = 3 + (unsigned)step->a;
        unsigned low = (unsigned)walk->program->sync, high = low;
        if (step->in >= 0) high = (unsigned)walk_register(walk, step->in);
        if (high < low) low = high, high = (unsigned)walk->program->sync;
        if (low > first && berth_close_range(first, low - 1, 0) < 0) return -1;
        if (high > low + 1 && high - 1 >= first && berth_close_range(low + 1 > first ? low + 1 : first, high - 1, 0) < 0)
            return -1;
        return berth_close_range(high + 1 > first ? high + 1 : first, ~0u, 0);
    }
    case BERTH_ACCEPT: {
        int fd = accept4(walk_register(walk, step->in), NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return -1;
        if (dup3(fd, walk->program->sync, O_CLOEXEC) < 0) return -1;
        return close(fd), close(walk_register(walk, step->in));
    }
    case BERTH_KEEP_DESCRIPTORS:
        for (uint64_t fd = 3; fd < 3 + step->a; fd++)
            if (fcntl((int)fd, F_SETFD, 0) < 0) return -1;
        return 0;
    case BERTH_EXEC: return execute(walk, step);
    default: return errno = ENOSYS, -1;
    }
}
