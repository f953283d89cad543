// Sockets, netlink, and passing descriptors between processes.
#ifndef CLINUX_NET_H
#define CLINUX_NET_H

#include <stddef.h>
#include <stdint.h>

// A raw netlink socket (netlink(7)), bound, closed on exec, with extended acknowledgements. -1 and errno on failure.
int berth_netlink_open(int protocol);
// Joins a multicast group of the socket's protocol.
int berth_netlink_join(int fd, unsigned group);
// Dumps list only what the request's fields select; fails on kernels before 4.20.
int berth_netlink_set_strict(int fd, int on);

// 1 when a namespace is mounted at `path` (nsfs), 0 for anything else.
int berth_is_namespace(const char *path);

// EPOLL* and EPOLL_CTL_* of sys/epoll.h.
enum { BERTH_EPOLLIN = 1, BERTH_EPOLLOUT = 4, BERTH_EPOLLERR = 8, BERTH_EPOLLHUP = 16 };
enum { BERTH_EPOLL_CTL_ADD = 1, BERTH_EPOLL_CTL_DEL = 2, BERTH_EPOLL_CTL_MOD = 3 };
// One event of epoll(7), without the packing that Swift cannot import.
struct berth_epoll_event {
    uint32_t events;
    uint64_t token;
};

int berth_epoll_create(void);
// `operation`: 1 add, 2 remove, 3 change.
int berth_epoll_change(int epoll, int operation, int fd, uint32_t events, uint64_t token);
// At most 64 events in each call; returns their number.
int berth_epoll_wait(int epoll, struct berth_epoll_event *events, int count, int timeout);

// splice(2) without offsets.
long berth_splice(int from, int to, size_t count, unsigned flags);

#endif
