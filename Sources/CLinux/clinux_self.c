// Protects our own program's file from containers.
#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int berth_is_read_only(void) {
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    struct statvfs filesystem;
    int result = fstatvfs(fd, &filesystem) == 0 && filesystem.f_flag & ST_RDONLY;
    if (!result) {
        int seals = fcntl(fd, F_GET_SEALS);
        result = seals >= 0 && (seals & SEALS) == SEALS;
    }
    close(fd);
    return result;
}

// The same file through a private mount; its pages stay shared with every other process that runs it.
int berth_open_read_only(const char *path) {
    int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
        close(tree);
        return -1;
    }
    return tree;
}

// If mounts are not allowed: a copy in memory that can never change again.
static int open_copy(void) {
    int source = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (source < 0) return -1;
    struct stat status;
    int copy = fstat(source, &status) < 0 ? -1 : memfd_create("berth", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    off_t at = 0;
    while (copy >= 0 && at < status.st_size) {
        if (sendfile(copy, source, &at, (size_t)(status.st_size - at)) > 0) continue;
        close(copy);
        copy = -1;
    }
    close(source);
    if (copy >= 0 && fcntl(copy, F_ADD_SEALS, SEALS) < 0) {
        close(copy);
        copy = -1;
    }
    return copy;
}

int berth_reexecute_read_only(char *const argv[], char *const envp[]) {
    int fd = berth_open_read_only("/proc/self/exe");
    if (fd >= 0) execveat(fd, "", argv, envp, AT_EMPTY_PATH);
    fd = open_copy();
    return fd < 0 ? -1 : execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}

int berth_reexecute(char *const argv[], char *const envp[]) {
    int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    return fd < 0 ? -1 : execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}

// From the linker: the beginning of the first segment, and the end of the code. Everything in between is read-only, so
// nothing is lost.
extern const char __executable_start[], etext[];

void berth_release_code(void) {
    uintptr_t page = getauxval(AT_PAGESZ), start = (uintptr_t)__executable_start & ~(page - 1), end = (uintptr_t)etext & ~(page - 1);
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
}

int berth_forbid_looking_in(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int berth_open_terminal_peer(int terminal) { return ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); }
