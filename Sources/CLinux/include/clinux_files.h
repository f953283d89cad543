// Files: extended attributes, device numbers, writing back, and copying within the kernel.
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>

// xattr(7). The f functions take a descriptor that is not O_PATH; each returns -1 with errno set on failure.
long berth_fgetxattr(int fd, const char *name, void *value, size_t size);
long berth_flistxattr(int fd, char *list, size_t size);
int berth_fsetxattr(int fd, const char *name, const void *value, size_t size);

// renameat2(2).
int berth_renameat2(int from, const char *name, int to, const char *other, unsigned flags);

// makedev(3).
uint64_t berth_makedev(unsigned major, unsigned minor);

// syncfs(2), copy_file_range(2) with both file offsets.
int berth_syncfs(int fd);
long berth_copy_file_range(int from, int to, size_t count);

// clone(2): share the working directory, the root and the umask.
enum { BERTH_CLONE_FS = 0x00000200 };

// mount(2) and umount2(2) flags.
enum {
    BERTH_MS_RDONLY = 1,
    BERTH_MS_NOSUID = 2,
    BERTH_MS_NODEV = 4,
    BERTH_MS_NOEXEC = 8,
    BERTH_MS_REMOUNT = 32,
    BERTH_MS_BIND = 4096,
    BERTH_MS_REC = 16384,
    BERTH_MS_PRIVATE = 1 << 18,
    BERTH_MNT_DETACH = 2,
};

#endif
