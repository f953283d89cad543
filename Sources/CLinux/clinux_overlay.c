#define _GNU_SOURCE
#include "clinux_overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

enum { FOLDERS = 600, OPTIONS = 4096 };  // overlayfs takes 500 lower folders; mount(2) takes a page

struct names {
    int opened[FOLDERS], count;
    char text[OPTIONS];
    int length;
};

static int add(struct names *names, const char *prefix, const char *folder) {
    if (names->count == FOLDERS) return errno = E2BIG, -1;
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    names->opened[names->count++] = fd;
    int room = OPTIONS - names->length;
    int wanted = snprintf(names->text + names->length, room, "%s/proc/self/fd/%d", prefix, fd);
    if (wanted >= room) return errno = E2BIG, -1;
    names->length += wanted;
    return 0;
}

static int mount_named(
    struct names *names, char *const *lower, const char *upper, const char *work, const char *mountpoint,
    int user_xattr) {
    for (int index = 0; lower[index]; index++)
        if (add(names, index == 0 ? "lowerdir=" : ":", lower[index]) < 0) return -1;
    if (upper && add(names, ",upperdir=", upper) < 0) return -1;
    if (work && add(names, ",workdir=", work) < 0) return -1;
    if (user_xattr) {
        int room = OPTIONS - names->length;
        if (snprintf(names->text + names->length, room, ",userxattr") >= room) return errno = E2BIG, -1;
    }
    return mount("overlay", mountpoint, "overlay", 0, names->text);
}

int berth_mount_overlay_classic(
    char *const *lower, const char *upper, const char *work, const char *mountpoint, int user_xattr) {
    struct names names;
    names.count = names.length = 0;
    int result = mount_named(&names, lower, upper, work, mountpoint, user_xattr);
    int code = errno;
    while (names.count > 0) close(names.opened[--names.count]);
    errno = code;
    return result;
}
