#ifndef CLINUX_OVERLAY_H
#define CLINUX_OVERLAY_H

// Mounts an overlay on `mountpoint` with mount(2), for kernels without "lowerdir+" (before 6.5). `lower` is top first and ends with
// NULL; `upper` and `work` are both NULL for a read-only one. mount(2) takes one page of options, so the folders are named by
// descriptors: as many layers fit as overlayfs takes. Calls nothing that is unsafe after clone(2).
// Returns 0, or -1 with errno set.
int berth_mount_overlay_classic(
    char *const *lower, const char *upper, const char *work, const char *mountpoint, int user_xattr);

#endif
