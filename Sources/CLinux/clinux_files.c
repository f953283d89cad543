#define _GNU_SOURCE
#include "clinux_files.h"

#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

long berth_fgetxattr(int fd, const char *name, void *value, size_t size) { return fgetxattr(fd, name, value, size); }
long berth_flistxattr(int fd, char *list, size_t size) { return flistxattr(fd, list, size); }
int berth_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    return fsetxattr(fd, name, value, size, 0);
}

int berth_renameat2(int from, const char *name, int to, const char *other, unsigned flags) {
    // Not through the C library, which uses another call without flags: this is the call that a confined process may
    // make.
    return (int)syscall(SYS_renameat2, from, name, to, other, flags);
}

uint64_t berth_makedev(unsigned major, unsigned minor) { return makedev(major, minor); }

int berth_syncfs(int fd) { return syncfs(fd); }
long berth_copy_file_range(int from, int to, size_t count) { return copy_file_range(from, NULL, to, NULL, count, 0); }
