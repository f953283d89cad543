// Steps that build the mount tree. Every path inside the container is resolved by openat2 under its root, and mounts go
// onto the resulting descriptor, so a link that is swapped in meanwhile has no effect.
#define _GNU_SOURCE
#include "clinux_fs.h"
#include "clinux_overlay.h"
#include "clinux_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#define DEVPTS_SUPER_MAGIC 0x1cd1
#define PROC_SUPER_MAGIC 0x9fa0
#define PROC_ROOT_INODE 1
#define IN_ROOT (BERTH_RESOLVE_IN_ROOT | BERTH_RESOLVE_NO_MAGICLINKS)

static int open_in_root(int root, const char *path, uint64_t flags, uint64_t more) {
    for (int attempt = 0;; attempt++) {
        int fd = berth_openat2(root, path, flags | O_CLOEXEC, 0, IN_ROOT | more);
        // EAGAIN: a concurrent rename; the kernel asks for another attempt (openat2(2)).
        if (fd >= 0 || errno != EAGAIN || attempt == 64) return fd;
    }
}

// Replaces `path` by the path that results from following the link `name` in `parent`, which is at the first `upto`
// bytes of `path`.
static int follow_dangling(int parent, const char *name, char *path, size_t upto, const char *rest) {
    char link[PATH_MAX], joined[PATH_MAX];
    ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
    if (length < 0) return -1;
    link[length] = 0;
    size_t folder = link[0] == '/' ? 0 : upto - strlen(name);
    if (folder + (size_t)length + 1 + strlen(rest) >= sizeof joined) return errno = ENAMETOOLONG, -1;
    memcpy(joined, path, folder);
    memcpy(joined + folder, link, (size_t)length);
    joined[folder + (size_t)length] = '/';
    strcpy(joined + folder + (size_t)length + 1, rest);
    strcpy(path, joined);
    return 0;
}

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif

static int mount_id(int fd, uint64_t *id) {
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0) return -1;
    *id = status.stx_mnt_id;
    return status.stx_mask & STATX_MNT_ID ? 0 : (errno = EOPNOTSUPP, -1);
}

// Records that the mount `fd` was made for this container. Returns `fd`.
static int adopt(struct walk *walk, int fd) {
    uint64_t id;
    if (fd >= 0 && walk->own_count < sizeof walk->own / sizeof *walk->own && mount_id(fd, &id) == 0)
        walk->own[walk->own_count++] = id;
    return fd;
}

static int is_own(const struct walk *walk, int fd) {
    uint64_t id;
    if (mount_id(fd, &id) < 0) return 0;
    for (size_t i = 0; i < walk->own_count; i++)
        if (walk->own[i] == id) return 1;
    return 0;
}

// Creates one component below `parent`: a folder, or a file if it is the last one and a file is wanted.
static int make_component(int parent, const char *name, int folder) {
    if (!strcmp(name, "..") || !strcmp(name, ".")) return errno = EINVAL, -1;
    int result = folder ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
    return result < 0 && errno != EEXIST ? -1 : 0;
}

// Opens `path` under `root` and creates missing parts; follows a dangling link on the way inside the root. With `owner`
// it creates parts only in the container's own mounts; otherwise EXDEV.
static int make_in_root(int root, const char *wanted, int folder, uint64_t more, const struct walk *owner) {
    int fd = open_in_root(root, wanted, O_PATH, more);
    if (fd >= 0 || errno != ENOENT) return fd;
    char path[PATH_MAX], prefix[PATH_MAX], name[NAME_MAX + 1];
    if (strlen(wanted) >= sizeof path) return errno = ENAMETOOLONG, -1;
    strcpy(path, wanted);
    for (int links = 0; links < 16; links++) {
        int parent = fcntl(root, F_DUPFD_CLOEXEC, 3), restart = 0;
        size_t at = 0;
        while (parent >= 0 && !restart) {
            while (path[at] == '/') at++;
            if (!path[at]) return parent;
            size_t end = at + strcspn(path + at, "/");
            size_t next = end + strspn(path + end, "/");
            if (end - at > NAME_MAX) return close(parent), errno = ENAMETOOLONG, -1;
            memcpy(name, path + at, end - at);
            name[end - at] = 0;
            memcpy(prefix, path, end);
            prefix[end] = 0;
            fd = open_in_root(root, prefix, O_PATH, more);
            if (fd < 0 && errno == ENOENT) {
                if (owner && !is_own(owner, parent)) return close(parent), errno = EXDEV, -1;
                if (make_component(parent, name, folder || path[next]) < 0) return close(parent), -1;
                fd = open_in_root(root, prefix, O_PATH, more);
                if (fd < 0 && errno == ENOENT) restart = follow_dangling(parent, name, path, end, path + next) < 0 ? -1 : 1;
            }
            int code = errno;
            close(parent);
            errno = code;
            if (restart < 0) return -1;
            parent = fd;
            at = end;
        }
        if (!restart) return -1;
    }
    return errno = ELOOP, -1;
}

// The folder of `path`, created if missing, and the last component in `name`. EXDEV if it would have to be created in
// another owner's mount.
static int make_parent(const struct walk *walk, int root, const char *path, char name[NAME_MAX + 1]) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (!*last || strlen(last) > NAME_MAX || length >= sizeof folder - 1) return errno = EINVAL, -1;
    strcpy(name, last);
    memcpy(folder, path, length);
    strcpy(folder + length, "/");
    return make_in_root(root, folder, 1, 0, walk);
}

static int move_onto(int mount, int target) {
    return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int clone_tree(int fd, int recursive) {
    return open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
}

// Closes `fd` and keeps errno for the report.
static int finish(int fd, int result) {
    int code = errno;
    if (fd >= 0) close(fd);
    errno = code;
    return result;
}

// Reads the kernel's message about a file system that it refused to create: "e message" (fsopen(2)).
static void note(struct walk *walk, int context) {
    int code = errno;
    ssize_t got = read(context, walk->failure.text, sizeof walk->failure.text - 1);
    walk->failure.text[got > 0 ? got : 0] = 0;
    errno = code;
}

static int mount_context(struct walk *walk, int context, unsigned attributes) {
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return note(walk, context), -1;
    int fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
    if (fd < 0) note(walk, context);
    return fd;
}

static int overlay_by_context(struct walk *walk, const struct berth_overlay *overlay) {
    int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int result = fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0);
    for (const char *const *lower = overlay->lower; *lower && result == 0; lower++)
        result = fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", *lower, 0);
    if (result == 0 && overlay->upper) result = fsconfig(context, FSCONFIG_SET_STRING, "upperdir", overlay->upper, 0);
    if (result == 0 && overlay->work) result = fsconfig(context, FSCONFIG_SET_STRING, "workdir", overlay->work, 0);
    if (result == 0 && overlay->user_xattr) result = fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
    if (result < 0) return note(walk, context), finish(context, -1);
    int mount = mount_context(walk, context, 0);
    if (mount < 0) return finish(context, -1);
    close(context);
    int target = open(overlay->mountpoint, O_PATH | O_CLOEXEC);
    if (target < 0 || move_onto(mount, target) < 0) return finish(target, finish(mount, -1));
    close(target);
    return mount;
}

static int overlay(struct walk *walk, const struct berth_step *step) {
    const struct berth_overlay *overlay = step->data;
    int mount = overlay_by_context(walk, overlay);
    if (mount < 0) {
        // A kernel without "lowerdir+", or paths too long for fsconfig.
        struct berth_message first = walk->failure;
        int code = errno;
        if (berth_mount_overlay_classic(
                (char *const *)overlay->lower, overlay->upper, overlay->work, overlay->mountpoint,
                overlay->user_xattr) < 0) {
            if (first.text[0]) walk->failure = first, errno = code;
            return -1;
        }
        walk->failure.text[0] = 0;
        mount = open(overlay->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return walk_set(walk, step->out, adopt(walk, mount));
}

static int set_attributes(const struct walk *walk, const struct berth_step *step) {
    struct mount_attr attributes = {.attr_set = step->a, .attr_clr = step->b, .propagation = step->c};
    unsigned recursive = step->in2 == 1 ? AT_RECURSIVE : 0;
    if (step->in == -2) return mount_setattr(AT_FDCWD, "/", recursive, &attributes, sizeof attributes);
    return mount_setattr(walk_register(walk, step->in), "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes);
}

// Stores a sentence for the report, in the kernel's form ("e …").
static int explain(struct walk *walk, const char *words, int code) {
    walk->failure.text[0] = 'e', walk->failure.text[1] = ' ';
    strncpy(walk->failure.text + 2, words, sizeof walk->failure.text - 3);
    return errno = code, -1;
}

static int is_proc(int fd, const struct stat *status) {
    struct statfs filesystem;
    return status->st_ino == PROC_ROOT_INODE && fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
}

static int target(struct walk *walk, const struct berth_step *step) {
    int folder = step->a == 0;
    if (step->a == 2) {
        struct stat status;
        if (fstat(walk_register(walk, step->in2), &status) < 0) return -1;
        folder = S_ISDIR(status.st_mode);
    }
    int fd = make_in_root(walk_register(walk, step->in), step->text, folder, step->b, NULL);
    if (fd < 0) return -1;
    struct stat status;
    if (fstat(fd, &status) < 0) return finish(fd, -1);
    // Check what is there, not its name: a link in the image may lead to it.
    if (!step->c && is_proc(fd, &status))
        return finish(fd, explain(walk, "it leads to /proc, which nothing may cover", EBUSY));
    if (S_ISDIR(status.st_mode) != folder) return errno = folder ? ENOTDIR : EISDIR, finish(fd, -1);
    return walk_set(walk, step->out, fd);
}

// A user namespace may not use mknod, so bind the host's own node there.
static int bind_node(int parent, const char *name, const char *path) {
    if (mknodat(parent, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST) return -1;
    int fd = berth_openat2(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, IN_ROOT);
    if (fd < 0) return -1;
    int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return finish(fd, -1);
    return finish(fd, finish(tree, move_onto(tree, fd)));
}

// In a folder that is not the container's own: the device must already exist there, and is not changed.
static int find_node(struct walk *walk, int parent, const char *name, const struct berth_step *step) {
    struct stat status;
    if (parent >= 0 && fstatat(parent, name, &status, 0) == 0 && !((status.st_mode ^ step->a) & S_IFMT) &&
        status.st_rdev == (dev_t)step->b)
        return 0;
    return step->in2 == 1 ? explain(walk, "it would be made in a folder of the host", EXDEV) : 0;
}

static int make_node(struct walk *walk, const struct berth_step *step) {
    char name[NAME_MAX + 1];
    int parent = make_parent(walk, walk_register(walk, step->in), step->text, name);
    if (parent < 0) return errno == EXDEV ? find_node(walk, -1, name, step) : -1;
    if (!is_own(walk, parent)) return finish(parent, find_node(walk, parent, name, step));
    int result = mknodat(parent, name, (mode_t)step->a, (dev_t)step->b);
    if (result < 0 && errno == EPERM) return finish(parent, bind_node(parent, name, step->text));
    if (result < 0 && errno == EEXIST) {
        struct stat status;
        result = fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW);
        if (result == 0 && ((status.st_mode ^ step->a) & S_IFMT || status.st_rdev != (dev_t)step->b)) {
            result = unlinkat(parent, name, 0);
            if (result == 0) result = mknodat(parent, name, (mode_t)step->a, (dev_t)step->b);
        }
    }
    if (result == 0)
        result = fchownat(parent, name, (uid_t)(step->c >> 32), (gid_t)(step->c & 0xffffffff), AT_SYMLINK_NOFOLLOW);
    return finish(parent, result);
}

static int make_link(const struct walk *walk, const struct berth_step *step) {
    char name[NAME_MAX + 1];
    int parent = make_parent(walk, walk_register(walk, step->in), step->text2, name);
    if (parent < 0) return errno == EXDEV ? 0 : -1;
    if (!is_own(walk, parent)) return finish(parent, 0);
    int result = symlinkat(step->text, parent, name);
    return finish(parent, result < 0 && errno == EEXIST ? 0 : result);
}

static int open_null(const struct walk *walk, const struct berth_step *step) {
    int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) return finish(fd, -1);
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) return errno = ENODEV, finish(fd, -1);
    return walk_set(walk, step->out, fd);
}

static int mask(struct walk *walk, const struct berth_step *step) {
    int fd = open_in_root(walk_register(walk, step->in), step->text, O_PATH, 0);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    struct stat status;
    if (fstat(fd, &status) < 0) return finish(fd, -1);
    int cover;
    if (S_ISDIR(status.st_mode)) {
        int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
        if (context < 0) return finish(fd, -1);
        cover = finish(context, mount_context(walk, context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    } else {
        cover = clone_tree(walk_register(walk, step->in2), 0);
    }
    if (cover < 0) return finish(fd, -1);
    return finish(fd, finish(cover, move_onto(cover, fd)));
}

static int read_only(const struct walk *walk, const struct berth_step *step) {
    int fd = open_in_root(walk_register(walk, step->in), step->text, O_PATH, 0);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    int tree = clone_tree(fd, 1);
    if (tree < 0) return finish(fd, -1);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    int result = mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes);
    if (result == 0) result = move_onto(tree, fd);
    return finish(fd, finish(tree, result));
}

static int open_terminal(const struct walk *walk, const struct berth_step *step) {
    int fd = open_in_root(walk_register(walk, step->in), "/dev/pts/ptmx", O_RDWR | O_NOCTTY, BERTH_RESOLVE_NO_SYMLINKS);
    if (fd < 0) return -1;
    struct statfs filesystem;
    if (fstatfs(fd, &filesystem) < 0) return finish(fd, -1);
    if (filesystem.f_type != DEVPTS_SUPER_MAGIC) return errno = ENOTTY, finish(fd, -1);
    int unlocked = 0;
    if (ioctl(fd, TIOCSPTLCK, &unlocked) < 0) return finish(fd, -1);
    // Open the pty itself and not by name, because the container could have replaced the name.
    int peer = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer < 0) return finish(fd, -1);
    struct winsize size = {.ws_row = (unsigned short)(step->a >> 16), .ws_col = (unsigned short)(step->a & 0xffff)};
    if (step->a && ioctl(fd, TIOCSWINSZ, &size) < 0) return finish(peer, finish(fd, -1));
    if (fchown(peer, (uid_t)step->b, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM)
        return finish(peer, finish(fd, -1));
    walk_set(walk, step->in2, peer);
    return walk_set(walk, step->out, fd);
}

static int console(const struct walk *walk, const struct berth_step *step) {
    int folder = open_in_root(walk_register(walk, step->in), "/dev", O_PATH | O_DIRECTORY, 0);
    if (folder < 0) return -1;
    struct stat present;
    if (!is_own(walk, folder) && fstatat(folder, "console", &present, AT_SYMLINK_NOFOLLOW) < 0) return finish(folder, 0);
    int result = mknodat(folder, "console", S_IFREG | 0600, 0);
    if (result < 0 && errno != EEXIST) return finish(folder, -1);
    int fd = finish(folder, openat(folder, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) return finish(fd, -1);
    if (S_ISLNK(status.st_mode)) return errno = ELOOP, finish(fd, -1);
    int tree = clone_tree(walk_register(walk, step->in2), 0);
    if (tree < 0) return finish(fd, -1);
    return finish(fd, finish(tree, move_onto(tree, fd)));
}

static int pivot(const struct walk *walk, const struct berth_step *step) {
    if (fchdir(walk_register(walk, step->in)) < 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -1;
    // The old root is now mounted over the new one at the working directory (pivot_root(2), NOTES).
    if (umount2(".", MNT_DETACH) < 0) return -1;
    return chdir("/");
}

static int write_text(int fd, const char *text, uint64_t tolerated) {
    if (fd < 0) return tolerated && errno == (int)tolerated ? 0 : -1;
    size_t length = strlen(text);
    ssize_t done = write(fd, text, length);
    if (done >= 0 && (size_t)done != length) errno = EIO, done = -1;
    if (done < 0 && tolerated && errno == (int)tolerated) done = 0;
    return finish(fd, done < 0 ? -1 : 0);
}

static int write_beneath(const struct walk *walk, const struct berth_step *step) {
    uint64_t resolve = BERTH_RESOLVE_BENEATH | BERTH_RESOLVE_NO_XDEV | BERTH_RESOLVE_NO_MAGICLINKS;
    int fd = berth_openat2(walk_register(walk, step->in), step->text, O_WRONLY | O_CLOEXEC, 0, resolve);
    return write_text(fd, step->text2, 0);
}

// The proc mount in `step->text`, a mount namespace of a process in the target pid namespace. Anything may be mounted
// there: accept it only if it is the root of a proc that does not know this process, so that it cannot be the host's.
static int proc_of_mounts(const struct berth_step *step) {
    if (!step->text || (step->data && *(const char *const *)step->data)) return errno = EOPNOTSUPP, -1;
    int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), other = open(step->text, O_RDONLY | O_CLOEXEC), tree = -1;
    if (home < 0 || other < 0 || setns(other, CLONE_NEWNS) < 0) return finish(other, finish(home, -1));
    tree = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    tree = finish(other, tree);
    int code = errno;
    if (setns(home, CLONE_NEWNS) < 0) return finish(tree, finish(home, -1));
    close(home);
    if (tree < 0) return errno = code, -1;
    struct statfs filesystem;
    struct stat status;
    char self[16];
    if (fstatfs(tree, &filesystem) < 0 || fstat(tree, &status) < 0) return finish(tree, -1);
    int is_foreign = readlinkat(tree, "self", self, sizeof self) < 0 && errno == ENOENT;
    if (filesystem.f_type != PROC_SUPER_MAGIC || status.st_ino != PROC_ROOT_INODE || !is_foreign)
        return close(tree), errno = EOPNOTSUPP, -1;
    struct mount_attr attributes = {.attr_set = step->a, .propagation = MS_PRIVATE};
    return mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ? finish(tree, -1) : tree;
}

// A proc file system shows the pid namespace of the process that mounts it. Since Linux 6.17 it can be mounted for
// another pid namespace; before that, use an existing one.
static int proc_of(struct walk *walk, const struct berth_step *step) {
    int context = fsopen("proc", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int tree;
    if (fsconfig(context, FSCONFIG_SET_FD, "pidns", NULL, walk_register(walk, step->in)) == 0) {
        int result = 0;
        for (const char *const *option = step->data; option && *option && result == 0; option += 2)
            result = fsconfig(context, option[1][0] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option[0],
                              option[1][0] ? option[1] : NULL, 0);
        tree = result < 0 ? (note(walk, context), -1) : mount_context(walk, context, (unsigned)step->a);
    } else {
        tree = proc_of_mounts(step);
    }
    return walk_set(walk, step->out, finish(context, tree));
}

static int configure(struct walk *walk, const struct berth_step *step) {
    int context = walk_register(walk, step->in);
    unsigned kind = step->text2 ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (fsconfig(context, kind, step->text, step->text2, 0) == 0) return 0;
    return note(walk, context), -1;
}

static int open_clone(struct walk *walk, const struct berth_step *step) {
    int tree;
    if (step->in >= 0) {
        tree = clone_tree(walk_register(walk, step->in), (int)step->a);
    } else {
        unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->a ? AT_RECURSIVE : 0);
        tree = open_tree(AT_FDCWD, step->text, flags);
    }
    return walk_set(walk, step->out, step->b ? adopt(walk, tree) : tree);
}

int walk_filesystem_step(struct walk *walk, const struct berth_step *step) {
    switch (step->operation) {
    case BERTH_WRITE_FILE: return write_text(open(step->text, O_WRONLY | O_CLOEXEC), step->text2, step->a);
    case BERTH_WRITE_BENEATH: return write_beneath(walk, step);
    case BERTH_OPEN: return walk_set(walk, step->out, open(step->text, (int)step->a | O_CLOEXEC));
    case BERTH_OPEN_BENEATH:
        return walk_set(walk, step->out, open_in_root(walk_register(walk, step->in), step->text, O_PATH, 0));
    case BERTH_OPEN_NULL: return open_null(walk, step);
    case BERTH_CLONE_TREE: return open_clone(walk, step);
    case BERTH_OVERLAY: return overlay(walk, step);
    case BERTH_FSOPEN: return walk_set(walk, step->out, fsopen(step->text, FSOPEN_CLOEXEC));
    case BERTH_FSCONFIG: return configure(walk, step);
    case BERTH_FSMOUNT: {
        int mount = mount_context(walk, walk_register(walk, step->in), (unsigned)step->a);
        return walk_set(walk, step->out, adopt(walk, mount));
    }
    case BERTH_PROC_OF: return proc_of(walk, step);
    case BERTH_SETATTR: return set_attributes(walk, step);
    case BERTH_TARGET: return target(walk, step);
    case BERTH_MOVE_MOUNT: return move_onto(walk_register(walk, step->in), walk_register(walk, step->in2));
    case BERTH_CLOSE: return close(walk_register(walk, step->in));
    case BERTH_MAKE_NODE: return make_node(walk, step);
    case BERTH_MAKE_LINK: return make_link(walk, step);
    case BERTH_MASK: return mask(walk, step);
    case BERTH_READ_ONLY: return read_only(walk, step);
    case BERTH_OPEN_TERMINAL: return open_terminal(walk, step);
    case BERTH_CONSOLE: return console(walk, step);
    case BERTH_PIVOT: return pivot(walk, step);
    default: return 1;  // not one of these
    }
}
