// Creating processes: posix_spawn for our own programs, and the steps that run between clone and exec.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stddef.h>
#include <stdint.h>

// Starts `path` in a new session with default signal dispositions and an empty mask. Descriptor `targets[i]` of the new
// process is `sources[i]` of this one; every source must be above every target, and all others are closed. `cwd` may be
// NULL. Returns 0 and the pid in *pid, or an errno value.
int berth_posix_spawn(int *pid, const char *path, char *const argv[], char *const envp[], const char *cwd,
                      const int *sources, const int *targets, size_t count);

// Blocks the signals in `mask` (bit n-1 is signal n) and returns a descriptor that reports them (signalfd(2)), or -1.
int berth_block_signals(uint64_t mask);
// The number of the next signal from such a descriptor; 0 when there is none.
int berth_read_signal(int descriptor);

// The other end of a pty, opened without its name (ioctl_tty(2), TIOCGPTPEER); close-on-exec.
int berth_open_terminal_peer(int terminal);

// Loads `program` (eBPF, `count` instructions of eight bytes) and attaches it to the v2 cgroup `folder` for every access to a
// device node. 0, or -1 and errno.
int berth_attach_device_program(int folder, const uint64_t *program, size_t count);

// The file at `path` through a detached read-only mount; close-on-exec. -1 and errno when not allowed.
int berth_open_read_only(const char *path);
// Runs the calling program again from a private, detached read-only mount, so that nobody who reaches /proc/PID/exe can
// write to its file. Returns only on failure, with -1 and errno.
int berth_reexecute_read_only(char *const argv[], char *const envp[]);
// Runs the calling program again from the same file: the same process, children and descriptors, with fresh memory.
// Returns only on failure, with -1 and errno.
int berth_reexecute(char *const argv[], char *const envp[]);
// Releases the mapped pages of this program's own code and constants; the next use finds them in the page cache. For a
// process about to sleep for long.
void berth_release_code(void);
// 1 when this program's file is on a read-only mount or is a sealed memfd; otherwise 0.
int berth_is_read_only(void);
// prctl(PR_SET_DUMPABLE, 0).
int berth_forbid_looking_in(void);

// A program of steps for a child between clone and exec. The builder prepares every string and array; the code that
// runs it allocates nothing, takes no lock and calls nothing that does. Descriptors are in numbered registers: the
// builder fills some with descriptors that the child inherits, steps fill others. -1 as a register means "none".
struct berth_step {
    uint32_t operation;
    int32_t in, in2, out;    // registers
    const char *text, *text2;
    const void *data, *data2;
    uint64_t a, b, c;
};

// The comments say what each step reads. "resolve" means openat2 under the root in register `in`, so no link leads out
// of it.
enum berth_operation {
    BERTH_RESET_INHERITED,  // signals, mask, umask, parent-death signal; not dumpable; all but 0-2 close on exec
    BERTH_SETSID,
    BERTH_WAIT,             // one message of the parent; its end means that the parent gave up
    BERTH_TELL,             // a: kind of message; in: a descriptor to pass along
    BERTH_SETNS,            // in, a: type; one of processes is for children only
    BERTH_UNSHARE,          // a: CLONE_NEW*
    BERTH_WRITE_FILE,       // text: path, text2: content, a: errno value that is no failure
    BERTH_WRITE_BENEATH,    // in: mount; text: path below it, no other mount on the way; text2: content
    BERTH_OPEN,             // text: path, a: flags
    BERTH_OPEN_BENEATH,     // in: folder; text: path below it, whose links stay below it
    BERTH_OPEN_NULL,        // /dev/null, verified to be 1:3
    BERTH_CLONE_TREE,       // in, or text: path; a: 1 with all mounts below; b: 1 when the container's own
    BERTH_OVERLAY,          // see berth_overlay, in data
    BERTH_FSOPEN,           // text: type
    BERTH_FSCONFIG,         // in; text: key, text2: value, NULL for a flag
    BERTH_FSMOUNT,          // in; a: MOUNT_ATTR_*
    BERTH_PROC_OF,          // in: pid namespace; a: MOUNT_ATTR_*; data: keys and values for proc; text: see proc_of
    BERTH_SETATTR,          // in; a: set, b: clear, c: propagation (MS_*); in2: 1 with all below; -2: the mount at "/"
    BERTH_TARGET,           // in: root; text: path; a: 0 a folder, 1 a file, 2 like what in2 is; b: more RESOLVE_* flags
                            // c: 1 when it may be the root of a proc
    BERTH_MOVE_MOUNT,       // in: mount, in2: onto
    BERTH_CLOSE,            // in
    // Only into the container's own mounts: a host folder that is mounted there is not changed.
    BERTH_MAKE_NODE,        // in: root; text: path; a: mode and type, b: device, c: uid << 32 | gid; in2: 1 when it must be there
    BERTH_MAKE_LINK,        // in: root; text: what it says, text2: path; one that exists stays
    BERTH_MASK,             // in: root; text: path, in2: null device
    BERTH_READ_ONLY,        // in: root; text: path
    BERTH_OPEN_TERMINAL,    // in: root; out: pty, in2: register for its other side; a: rows << 16 | columns
    BERTH_CONSOLE,          // in: root; in2: the terminal
    BERTH_PIVOT,            // in: root
    BERTH_HOSTNAME,         // text
    BERTH_DOMAINNAME,       // text
    BERTH_RLIMIT,           // a: resource, b: soft, c: hard
    BERTH_KEYRING,          // text: name, or NULL
    BERTH_PERSONALITY,      // a
    BERTH_SCHEDULER,        // data: struct sched_attr, a: its size
    BERTH_IO_PRIORITY,      // a
    BERTH_CPU_AFFINITY,     // data: bits, a: bytes
    BERTH_MEMORY_POLICY,    // a: mode; data: bits of nodes or NULL, b: how many
    BERTH_DUP,              // in; a: descriptor
    BERTH_CONTROLLING_TTY,  // descriptor 0 becomes it
    BERTH_HOME,             // data: buffer for "HOME=…"; a: its size, b: uid
    BERTH_CHDIR,            // text; a: 1 makes it when missing
    BERTH_GROUPS,           // data: gids, a: count
    BERTH_USER,             // a: uid, b: gid; capabilities are kept
    BERTH_BOUNDING,         // a: capabilities that stay, b: how many the kernel has (at most 64)
    BERTH_CAPABILITIES,     // a: effective, b: permitted, c: inheritable
    BERTH_AMBIENT,          // a
    BERTH_NO_NEW_PRIVILEGES,
    BERTH_SECCOMP,          // data: filter, a: instructions, b: flags; out: its listener when asked for by flag
    BERTH_UMASK,            // a
    BERTH_CLOSE_OTHERS,     // all from 3 on but a: how many; in: one more; and the line to the parent
    BERTH_ACCEPT,           // in: a listening socket; who connects to it takes the parent's place
    BERTH_BIRTH,            // into the pid namespace entered before, unless the parent does it at exec; see birth
    BERTH_KEEP_DESCRIPTORS, // a: how many from 3 on stay open over exec
    BERTH_EXEC,             // data: argv, data2: envp, in order of a search: text list in a (const char *const *)
};

// Adds each lower folder with its own call if the kernel has "lowerdir+" (6.5), otherwise all in one string of
// mount(2).
struct berth_overlay {
    const char *const *lower;  // top first, NULL at the end
    const char *upper, *work;  // both NULL: read-only
    const char *mountpoint;
    int user_xattr;
};

// A message from the child: a step's failure, or one of the kinds given to BERTH_TELL.
struct berth_message {
    int32_t kind;    // 0 for a failure
    int32_t step;    // index into the program
    int32_t code;    // errno
    int32_t detail;  // BERTH_EXEC: 1 when the file exists but its interpreter does not
    char text[240];  // the kernel's message, or the path tried
};

struct berth_program {
    const struct berth_step *steps;
    size_t count;
    int *registers;
    int sync;   // a SOCK_SEQPACKET socket, closed by exec
    int *born;  // shared with the parent: the pid from BERTH_BIRTH, also a child of the parent
};

// clone3(2) with `flags` (CLONE_NEW*), into the cgroup `cgroup` unless that is -1; the child runs `program` and never
// returns. The caller must have one thread. Returns the pid and sets *pidfd, or -1 and errno.
int berth_launch(const struct berth_program *program, uint64_t flags, int cgroup, int *pidfd);

// For a child that waits before BERTH_BIRTH: it will stop at exec, and nobody else can trace it from now on. The parent
// then sends BERTH_WORD_TRACED to release it. -1 and errno if that is not possible.
int berth_trace(int pid);
enum { BERTH_WORD_GO = 'g', BERTH_WORD_TRACED = 't' };
// Waits for that exec and creates the process in the pid namespace, with the program at its start. The process then
// begins to run in a session of its own, with descriptor 0 as its terminal if `terminal`, and with RLIMIT_NPROC set to
// the two numbers at `processes`, if given. Returns its pid, a child of the caller; 0 if the child has ended instead;
// -1 and errno if this failed and the child was killed.
int berth_birth(int pid, int terminal, const uint64_t *processes);

// A message and the descriptor that came with it, or -1 in *descriptor. Returns the result of recvmsg(2).
long berth_receive(int socket, struct berth_message *message, int *descriptor);

// Sends `length` bytes and `descriptor` (sendmsg(2) with SCM_RIGHTS).
long berth_send_descriptor(int socket, const void *bytes, size_t length, int descriptor);

#endif
