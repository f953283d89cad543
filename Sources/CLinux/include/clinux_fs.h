// Paths resolved under a root, mounts, and file systems.
#ifndef CLINUX_FS_H
#define CLINUX_FS_H

#include <stddef.h>
#include <stdint.h>

// openat2(2), `how.resolve`.
enum {
    BERTH_RESOLVE_NO_XDEV = 0x01,
    BERTH_RESOLVE_NO_MAGICLINKS = 0x02,
    BERTH_RESOLVE_NO_SYMLINKS = 0x04,
    BERTH_RESOLVE_BENEATH = 0x08,
    BERTH_RESOLVE_IN_ROOT = 0x10,
};

enum { BERTH_O_PATH = 010000000, BERTH_AT_EMPTY_PATH = 0x1000, BERTH_AT_FDCWD = -100 };

int berth_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int berth_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int berth_umount2(const char *target, int flags);

#endif
