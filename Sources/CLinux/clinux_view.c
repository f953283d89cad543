#define _GNU_SOURCE
#include "clinux_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

int berth_open_view(const char *path, int recursive, int read_only) {
    int below = recursive ? AT_RECURSIVE : 0;
    int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
    if (tree < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    if (read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    // Before Linux 5.12 this call does not exist. The worker that gets the tree opens no devices and runs no programs
    // anyway.
    if (mount_setattr(tree, "", AT_EMPTY_PATH | below, &attributes, sizeof attributes) < 0 && errno != ENOSYS) {
        int code = errno;
        close(tree);
        errno = code;
        return -1;
    }
    return tree;
}

int berth_mount_layers(char *const *lower, const char *upper, const char *work, const char *mountpoint) {
    int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int result = fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0);
    for (; *lower && result == 0; lower++) result = fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", *lower, 0);
    if (result == 0) result = fsconfig(context, FSCONFIG_SET_STRING, "upperdir", upper, 0);
    if (result == 0) result = fsconfig(context, FSCONFIG_SET_STRING, "workdir", work, 0);
    if (result == 0) result = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int mount = result == 0 ? fsmount(context, FSMOUNT_CLOEXEC, 0) : -1;
    int code = errno;
    close(context);
    errno = code;
    if (mount < 0) return -1;
    result = move_mount(mount, "", AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH);
    code = errno;
    close(mount);
    errno = code;
    return result;
}

int64_t berth_file_system(int fd) {
    struct statfs status;
    return fstatfs(fd, &status) < 0 ? -1 : (int64_t)status.f_type;
}

int berth_enter_folder(int fd) {
    if (fchdir(fd) < 0 || chroot(".") < 0) return -1;
    return chdir("/");
}
