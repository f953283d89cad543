// Locking a process in that reads hostile files.
#ifndef CLINUX_CONFINE_H
#define CLINUX_CONFINE_H

// Makes the working folder, which must be a mount point, the root of this mount namespace and detaches all else
// (pivot_root(2)). Returns -1 with errno set on failure.
int berth_pivot_to_working_folder(void);

// For good: no new privileges, killed when the parent thread ends, no core file, at most `address_space` bytes of
// memory, and killed at once by any system call that starts a program, opens a socket, mounts, enters a namespace,
// looks into a process or loads something into the kernel (seccomp(2)). Returns -1 with errno set on failure.
int berth_confine(unsigned long address_space);

#endif
