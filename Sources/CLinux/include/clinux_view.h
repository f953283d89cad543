// A container's file systems as a detached tree of mounts, which nobody else sees.
#ifndef CLINUX_VIEW_H
#define CLINUX_VIEW_H

#include <stdint.h>

// A copy of the mount at `path`, with those below it when `recursive`, on which no device, no program and no set-user-ID bit counts
// (open_tree(2), mount_setattr(2)); nothing can be written through it when `read_only`. Returns its folder, or -1 with errno set.
int berth_open_view(const char *path, int recursive, int read_only);

// An overlay of `lower`, top first and ended by NULL, with `upper` and `work`, mounted on `mountpoint` (fsopen(2), Linux 6.5).
// Returns 0, or -1 with errno set.
int berth_mount_layers(char *const *lower, const char *upper, const char *work, const char *mountpoint);

// The kind of file system that `fd` is on (statfs(2), f_type; linux/magic.h), or -1 with errno set.
int64_t berth_file_system(int fd);

// chroot(2) to the folder `fd`, which becomes the working folder too. Returns 0, or -1 with errno set.
int berth_enter_folder(int fd);

#endif
